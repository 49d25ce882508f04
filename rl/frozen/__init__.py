"""Frozen copies of the weights, and the schedules that alone move them.

A frozen copy is made of non-trainable variables; it has a role (behaviour, target, anchor) and a schedule.
"""

from rl.frozen.copies import drift, freeze, refuse_frozen
from rl.frozen.following import copies_after, copies_before
from rl.frozen.schedules import FrozenState, Hard, Never, Polyak, Schedule, Snapshot

__all__ = [
    "FrozenState",
    "Hard",
    "Never",
    "Polyak",
    "Schedule",
    "Snapshot",
    "copies_after",
    "copies_before",
    "drift",
    "freeze",
    "refuse_frozen",
]
