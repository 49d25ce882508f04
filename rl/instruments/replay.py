"""An iteration's learning up to one of its updates, again, with nothing applied."""

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
from rl.sources import Orders


class Replay(NamedTuple):
    """One update of a phase, with all that it learns from.

    state, trajectory: as `Learner.ingest` gave them; batch: as the phase prepared it; orders: the samples of its
    rounds.
    """

    learner: Learner
    phase: Phase
    update: Update
    state: TrainState
    trajectory: Trajectory
    batch: Any
    orders: Orders

    def minibatch(self, number: int | tf.Tensor, state: TrainState | None = None) -> Minibatch:
        """What the update of round `number` starts from, with the weights of `state`; those before the phase, if not
        given.
        """
        state = self.state if state is None else state
        settled = self.learner.draw(self.phase, self.batch, self.orders, state, number)
        return self.learner.before(self.update, settled, state, number)

    def propose(self, minibatch: Minibatch) -> Proposal:
        """What the update would do."""
        return propose(self.learner, minibatch, self.state)


def replay(learner: Learner, state: TrainState, trajectory: Trajectory, update: str | None = None) -> Replay:
    """One of the learner's updates, of one run; the first of all, if not named.

    An update of a later phase starts from the weights before the iteration's learning as well, so that all of them are
    compared at the same weights.

    Args:
        learner: of the run; the replay's is that of the moment (`Learner.at`).
        state: before the iteration's learning.
        trajectory: of the iteration, as `collect` gave it.
    """
    learner = learner.at(state)
    asked = learner.updates[update or next(iter(learner.updates))]
    state, trajectory, _ = ingest(learner, state, trajectory)
    prepared: dict[str, Any] = {}
    for phase in learner.phases:
        state = kept(learner, phase, state, prepared)
        prepared[phase.name], orders = prepared_of(learner, phase, state, trajectory)
        if asked in phase.updates:
            break
    return Replay(learner, phase, asked, state, trajectory, prepared[phase.name], orders)


def prepared_of(learner: Learner, phase: Phase, state: TrainState, trajectory: Trajectory) -> tuple[Any, Orders]:
    """A phase's prepared batch, and the order of its samples; state and trajectory as `Learner.ingest` gave them."""
    state = state._replace(frozen=learner.copies_before(phase.name, state))
    data = phase.source.data(state.sources.get(phase.name), trajectory)
    batch, _ = phase.prepare(roles_of(state.weights, state.frozen), data)
    return batch, learner.orders(phase, state)


def propose(learner: Learner, minibatch: Minibatch, state: TrainState) -> Proposal:
    """What an update would do to the weights of a minibatch, in an iteration of a state: as in `one_update`."""
    rule = learner.rules[minibatch.update.name]
    rows = watched_rows(minibatch.losses, minibatch.seen, **rule.asked, watch=minibatch.watch)
    direction, rule_state = rule.combine(rows, minibatch.rule, minibatch.seed)
    step, rule_state = rule.step(direction.gradient, minibatch.weights, rule_state, learner.progress(state))
    return Proposal(direction, step, rule_state)


def rows_of(learner: Learner, minibatch: Minibatch) -> Rows:
    """The raw row and head gradients of every objective of an update, without coefficients."""
    reads = {objective.name: objective.places for objective in minibatch.update.objectives}
    names = learner.model.network.names
    return watched_rows(minibatch.losses, minibatch.seen, reads, watch=minibatch.watch, names=names)
