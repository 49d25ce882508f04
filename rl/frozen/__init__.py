"""Frozen copies of the weights, moved only by their schedules.

A frozen copy consists of non-trainable variables; it has a role (behaviour, target, anchor) and a schedule, a pure
function from the copy and the live weights to the new copy.
"""

from rl.frozen.copies import drift, freeze, refuse_frozen
from rl.frozen.following import copies_after, copies_before
from rl.frozen.hard import Hard
from rl.frozen.never import Never
from rl.frozen.polyak import Polyak
from rl.frozen.schedule import FrozenState, Schedule
from rl.frozen.snapshot import Snapshot

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
