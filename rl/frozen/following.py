"""Moves the frozen copies whose schedules follow a named update or phase."""

import functools
import operator
from collections.abc import Mapping

import tensorflow as tf

from rl.frozen.schedule import FrozenState, Schedule, Weights


def copies_after(
    schedules: Mapping[str, Schedule],
    update: str,
    copies: Mapping[str, FrozenState],
    weights: Weights,
    updates: Mapping[str, tf.Tensor],
) -> dict[str, FrozenState]:
    """Moves the copies that follow an update, once it has produced `weights`.

    Args:
        schedules: {role: schedule}.
        update: name of the update.
        copies: {role: copy before the update}.
        weights: the live weights after the update.
        updates: {update: [] int64, how often it was applied, this time included}.
    Returns: {role: new copy}, without the copies that do not follow the update.
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
    """Refreshes the copies that are due before a phase.

    Args:
        schedules, copies: {role: schedule}, {role: copy}.
        phase: name of the phase; None for the start of an iteration.
        weights: the live weights.
    Returns: {role: copy} of all copies, refreshed or unchanged.
    """
    return {
        role: schedule.at_iteration(copies[role], weights) if schedule.before == phase else copies[role]
        for role, schedule in schedules.items()
    }
