"""An iteration's learning up to one of its updates, again, with nothing applied."""

from typing import Any, NamedTuple

import tensorflow as tf

from rl.agents import Phase, Update, roles_of
from rl.environments import Trajectory
from rl.learning.learner import Learner
from rl.learning.minibatch import Minibatch
from rl.learning.rounds import Proposal
from rl.learning.state import TrainState


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
    orders: tf.Tensor | None

    def minibatch(self, number: int | tf.Tensor, state: TrainState | None = None) -> Minibatch:
        """What the update of round `number` starts from, with the weights of `state`; those before the phase, if not
        given.
        """
        state = self.state if state is None else state
        settled = self.learner.draw(self.phase, self.batch, self.orders, state, number)
        return self.learner.before(self.update, settled, state, number)

    def propose(self, minibatch: Minibatch) -> Proposal:
        """What the update would do."""
        return self.learner.propose(self.update, minibatch, self.learner.progress(self.state))


def replay(learner: Learner, state: TrainState, trajectory: Trajectory) -> Replay:
    """The first update of the learner's first phase.

    Args:
        state: before the iteration's learning.
        trajectory: of the iteration, as `collect` gave it.
    """
    phase = learner.phases[0]
    state, trajectory, _ = learner.ingest(state, trajectory)
    batch, _ = phase.prepare(roles_of(state.weights, state.frozen), trajectory)
    return Replay(learner, phase, phase.updates[0], state, trajectory, batch, learner.orders(phase, state))
