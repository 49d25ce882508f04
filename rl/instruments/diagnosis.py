"""Locates the origin of a non-finite number: the environment, or the first loss or gradient of an update.

It runs eagerly, after training has stopped.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from rl.environments import Trajectory
from rl.environments.boundary import Unsound, first_unsound, place
from rl.gradients.rows import place_names
from rl.instruments.replay import prepared_of, propose, rows_of
from rl.learning.drawing import taken_steps
from rl.learning.ingesting import ingest, kept
from rl.learning.learner import Learner
from rl.learning.minibatch import Minibatch
from rl.learning.repeating import before_tick
from rl.learning.state import TrainState
from rl.learning.updating import applied
from rl.sources import Windows


class Fault(NamedTuple):
    """The first non-finite number of an update."""

    objective: str
    """The objective whose loss or gradient is not finite; empty if all are finite and only their norm overflows."""
    variable: str | None
    """The weight whose gradient has a non-finite entry; None if it is the loss."""
    update: int
    """Number of the update in the run, from 1, counting all updates."""
    minibatch: Minibatch
    """The arguments of the update."""

    def __str__(self) -> str:
        """The description for an error message, without a full stop."""
        if not self.objective:
            return f"the norm of the combined gradient overflows at update {self.update}, though every row is finite"
        what = f"the loss of objective {self.objective!r}"
        if self.variable is not None:
            what = f"the gradient of objective {self.objective!r} with respect to {self.variable!r}"
        return f"{what} is not finite at update {self.update}"


def diagnose(learner: Learner, state: TrainState, trajectory: Trajectory | Windows, bad_round: int) -> Fault:
    """Replays an iteration up to its first non-finite round, with a separate gradient of each objective.

    Args:
        learner: its hyperparameters are replaced by those in the state.
        state: of one run, before the iteration's learning; for an agent with a memory with the rings after it, whose
            new rows are those that the iteration wrote.
        trajectory: of one run, [T, N, ...], as returned by `collect`; not used for an agent with a memory.
        bad_round: number of the round, counted over all phases: the metric `bad_update` of `learn`.
    Returns: the fault, with the minibatch and weights that the update met.
    Raises: ValueError if the iteration has no round of this number.
    """
    learner, first = learner.at(state), 0
    if learner.alternates:
        (phase,) = learner.phases
        tick = bad_round // phase.source.rounds
        first = tick * phase.source.rounds
        state, trajectory = before_tick(learner, state, tick)
    else:
        state, trajectory, _ = ingest(learner, state, trajectory)
    prepared: dict[str, Any] = {}
    for phase in learner.phases:
        state = kept(learner, phase, state, prepared)
        start, batch, orders = prepared_of(learner, phase, state, trajectory)
        prepared[phase.name], is_due = batch, bool(phase.is_due(state.iteration - state.begun))
        state = start if is_due else state
        for number in range(first, first + phase.source.rounds if is_due else 0):
            settled = learner.draw(phase, batch, orders, start, number)
            for update in (update for update in phase.updates if number % update.every_rounds == 0):
                minibatch = learner.before(update, settled, state, number)
                if number == bad_round and (fault := _fault(learner, minibatch, state)):
                    return fault
                state = applied(learner, state, update, propose(learner, minibatch, state))
            if number == bad_round:
                return Fault("", None, _updates_done(state), minibatch)
        bad_round -= phase.source.rounds
    raise ValueError("no round of this number was made.")


def _fault(learner: Learner, minibatch: Minibatch, state: TrainState) -> Fault | None:
    """The first loss, else the first gradient entry, of an update that is not finite; None if all are finite.

    Args: state: before the update; only its counts of updates are used.
    """
    rows, number = rows_of(learner, minibatch), _updates_done(state) + 1
    for objective, loss in rows.losses.items():
        if not bool(tf.math.is_finite(loss)):
            return Fault(objective, None, number, minibatch)
    for objective, row in rows.gradients.items():
        for at, names in place_names(row, learner.model.network.names).items():
            for name, gradient in zip(names, row[at], strict=True):
                if not bool(tf.reduce_all(tf.math.is_finite(gradient))):
                    return Fault(objective, name, number, minibatch)
    return None


def _updates_done(state: TrainState) -> int:
    """Number of updates applied so far, of all names."""
    return sum(int(count) for count in state.updates.values())


def environments_fault(learner: Learner, state: TrainState, trajectory: Trajectory) -> str | None:
    """Describes the first unsound value that an environment returned in a rollout; see `rl.environments.boundary`.

    Args:
        learner: gives the environment's name.
        state: of one run, before the iteration's learning, so that episodes' lengths are those before the rollout; for
            an agent with a memory with the rings after it.
        trajectory: of one run, [T, N, ...], as returned by `collect`; not used for an agent with a memory.
    Returns: a message that names environment, step and value; None if all values are sound.
    """
    if learner.alternates:
        trajectory = taken_steps(learner, state)
    known = trajectory.observation, trajectory.reward, trajectory.terminated, trajectory.truncated
    acted_on, reward, terminated, truncated, successor = (x.numpy() for x in (*known, trajectory.next_observation))
    ended, length = terminated | truncated, len(reward)
    elapsed = state.episodes.lengths.numpy().astype(int)
    first = int(state.iteration) * length

    def words(found: Unsound, step: int, within: int) -> str:
        """The message; `step` counts from the first reset (0), `within` from the start of the episode."""
        return f"{place(learner.environment.name, number=found.number, step=step, elapsed=within)}: {found}"

    if found := first_unsound(observation=acted_on[0]):
        return words(found, first, int(elapsed[found.number]))
    for t in range(length):
        # The observation after an episode that ends in the last step is in the next iteration's trajectory only.
        following = acted_on[t + 1] if t + 1 < length else _zero_where(ended[t], successor[t])
        found = first_unsound(reward=reward[t], observation=following, final_observation=successor[t])
        if found:
            return words(found, first + t + 1, int(elapsed[found.number]) + 1)
        elapsed = np.where(ended[t], 0, elapsed + 1)
    return None


def _zero_where(ended: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """The observations [N, ...], replaced by 0 in the environments in which the episode `ended`, [N] bool."""
    return np.where(ended.reshape(-1, *(1,) * (frames.ndim - 1)), 0, frames)


def save_fault(fault: Fault, names: dict[str, tuple[str, ...]], file: Path) -> None:
    """Writes the minibatch of a fault, and the live weights before its update, to an NPZ file.

    Args:
        fault: its minibatch is saved under `batch/<field>`.
        names: {part: names of its weights}, under which these are saved.
        file: overwritten if it exists.
    """
    batch = fault.minibatch.batch
    arrays = {f"batch/{name}": x.numpy() for field in batch._fields for name, x in _named(field, getattr(batch, field))}
    for part, tensors in fault.minibatch.weights.items():
        arrays.update({name: np.asarray(w) for name, w in zip(names[part], tensors, strict=True)})
    np.savez(file, **arrays)


def _named(name: str, nest: Any) -> list[tuple[str, tf.Tensor]]:
    """(name, tensor) of every tensor of a nest, which has a number behind its name if it is not alone."""
    tensors = tf.nest.flatten(nest)
    return [(name, tensors[0])] if len(tensors) == 1 else [(f"{name}/{place}", x) for place, x in enumerate(tensors)]
