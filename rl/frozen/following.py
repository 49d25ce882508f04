"""Frozen copies that follow updates and phases by their names."""

import functools
import operator
from collections.abc import Mapping

import tensorflow as tf

from rl.frozen.schedules import FrozenState, Schedule, Weights


def copies_after(
    schedules: Mapping[str, Schedule],
    update: str,
    copies: Mapping[str, FrozenState],
    weights: Weights,
    updates: Mapping[str, tf.Tensor],
) -> dict[str, FrozenState]:
    """{role: copy} of the copies that follow an update, after it made `weights`.

    Args:
        schedules: {role: how the copy moves}.
        updates: {update: how often it was applied, this time included}.
    """
    counts = {None: functools.reduce(operator.add, updates.values()), update: updates[update]}
    return {
        role: schedule.after_update(copies[role], weights, counts[schedule.after])
        for role, schedule in schedules.items()
        if schedule.after in counts
    }


def copies_before(
    schedules: Mapping[str, Schedule], phase: str | None, copies: Mapping[str, FrozenState], weights: Weights
) -> dict[str, FrozenState]:
    """{role: copy} of all copies, those refreshed that are due before a phase; None: before an iteration's first."""
    return {
        role: schedule.at_iteration(copies[role], weights) if schedule.before == phase else copies[role]
        for role, schedule in schedules.items()
    }
