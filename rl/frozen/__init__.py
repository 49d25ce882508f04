"""Frozen copies of the weights, and the schedules by which alone they move."""

from rl.frozen.copies import drift, freeze, refuse_frozen
from rl.frozen.schedules import FrozenState, Hard, Never, Polyak, Schedule, Snapshot

__all__ = ["FrozenState", "Hard", "Never", "Polyak", "Schedule", "Snapshot", "drift", "freeze", "refuse_frozen"]
