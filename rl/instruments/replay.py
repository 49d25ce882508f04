"""Replays an iteration's learning up to one of its updates, without applying anything."""

from typing import Any, NamedTuple

import tensorflow as tf

from rl.agents import Phase, Update, roles_of
from rl.environments import Trajectory
from rl.gradients import watched_rows
from rl.gradients.rows import Rows
from rl.learning.ingesting import ingest, kept
from rl.learning.learner import Learner
from rl.learning.minibatch import Minibatch
from rl.learning.state import TrainState
from rl.learning.update_metrics import Proposal
from rl.learning.updating import applied
from rl.sources import Orders


class Replay(NamedTuple):
    """One update of one run, with its phase and the data that it learns from."""

    learner: Learner
    """With the hyperparameters of the state (`Learner.at`)."""
    phase: Phase
    """The phase to which the update belongs."""
    update: Update
    """The replayed update."""
    state: TrainState
    """As returned by `ingest`, with the weights before the iteration's learning."""
    trajectory: Trajectory
    """As returned by `ingest`, normalised, [T, N, ...]."""
    batch: Any
    """The batch that the phase prepared, [B, ...]."""
    orders: Orders
    """The samples of each of its rounds."""

    def minibatch(self, number: int | tf.Tensor, state: TrainState | None = None) -> Minibatch:
        """The arguments of the update in one round.

        Args:
            number: the round, from 0.
            state: its weights and rule's state are used; None for those before the iteration's learning.
        """
        state = self.state if state is None else state
        settled = self.learner.draw(self.phase, self.batch, self.orders, state, number)
        return self.learner.before(self.update, settled, state, number)

    def probed_minibatch(self) -> Minibatch:
        """The arguments of the update in its phase's first round, or in the second if the phase refreshes a copy.

        Where live weights and copy are equal, a divergence from the copy (PPG's `clone`) has no gradient: its row would
        be rounding errors. The updates of the first round are then applied to the state; the replay's own is unchanged.
        """
        if not self.learner.refreshed_before(self.phase):
            return self.minibatch(0)
        state = self.state
        for update in self.phase.updates:
            one = self._replace(update=update)
            state = applied(self.learner, state, update, one.propose(one.minibatch(0, state)))
        return self.minibatch(1, state)

    def propose(self, minibatch: Minibatch) -> Proposal:
        """The proposal of the update on a minibatch; nothing is applied."""
        return propose(self.learner, minibatch, self.state)


def replay(learner: Learner, state: TrainState, trajectory: Trajectory, update: str | None = None) -> Replay:
    """Replays one of the learner's updates, as a pure function.

    All updates, also those of later phases, are replayed at the weights before the iteration's learning, so that they
    can be compared.

    Args:
        learner: its hyperparameters are replaced by those in the state.
        state: of one run, before the iteration's learning.
        trajectory: of one run, [T, N, ...], as returned by `collect`.
        update: its name; None for the first update of all phases.
    """
    learner = learner.at(state)
    asked = learner.updates[update or next(iter(learner.updates))]
    if not learner.alternates:  # otherwise the trajectory is what was drawn from memory, normalised
        state, trajectory, _ = ingest(learner, state, trajectory)
    prepared: dict[str, Any] = {}
    for phase in learner.phases:
        state = kept(learner, phase, state, prepared)
        state, prepared[phase.name], orders = prepared_of(learner, phase, state, trajectory)
        if asked in phase.updates:
            break
    return Replay(learner, phase, asked, state, trajectory, prepared[phase.name], orders)


def first_minibatches(learner: Learner, state: TrainState, trajectory: Trajectory) -> list[Minibatch]:
    """A minibatch for every update of an iteration, in order, all at the weights before the iteration's learning.

    Each is the first one of its own phase; in a phase that refreshes a frozen copy, the second.

    Args: as `replay`.
    """
    played = [replay(learner, state, trajectory, update) for update in learner.updates]
    return [played[0].minibatch(0), *(one.probed_minibatch() for one in played[1:])]


def prepared_of(
    learner: Learner, phase: Phase, state: TrainState, trajectory: Trajectory
) -> tuple[TrainState, Any, Orders]:
    """The state before a phase's first round, its prepared batch [B, ...], and the samples of its rounds.

    The frozen copies that are due before the phase are refreshed in the state; no update is applied.

    Args: state, trajectory: of one run, as returned by `ingest`.
    """
    state = state._replace(frozen=learner.copies_before(phase.name, state))
    data = phase.source.data(state.sources.get(phase.name), trajectory)
    batch, _ = phase.prepare(roles_of(state.weights, state.frozen), data)
    return state, batch, learner.orders(phase, state)


def propose(learner: Learner, minibatch: Minibatch, state: TrainState) -> Proposal:
    """The proposal of a minibatch's update, computed as in `one_update`; nothing is applied.

    Args: state: of one run; only its iteration is used, for the learning-rate schedule.
    """
    rule = learner.rules[minibatch.update.name]
    rows = watched_rows(minibatch.losses, minibatch.seen, **rule.asked, watch=minibatch.watch)
    direction, rule_state = rule.combine(rows, minibatch.rule, minibatch.seed)
    step, rule_state = rule.step(direction.gradient, minibatch.weights, rule_state, learner.progress(state))
    return Proposal(direction, step, rule_state)


def rows_of(learner: Learner, minibatch: Minibatch) -> Rows:
    """The gradient of every objective of a minibatch's update, separately and without coefficients.

    Returns: {objective: {place: tensors}} in `Rows.gradients`, for all places that the objective reads, heads included.
    """
    reads = {objective.name: objective.places for objective in minibatch.update.objectives}
    names = learner.model.network.names
    return watched_rows(minibatch.losses, minibatch.seen, reads, watch=minibatch.watch, names=names)
