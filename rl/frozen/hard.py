"""A target that is replaced after every n-th update."""

import tensorflow as tf

from rl.frozen.never import Never
from rl.frozen.schedule import FrozenState, Weights
from rl.settings import PositiveInteger, settings


@settings
class Hard(Never):
    """A target that copies the live weights after every n-th update (Mnih et al. 2015)."""

    every_updates: PositiveInteger
    """n, in updates; 1 keeps the target equal to the live weights."""
    after: str | None = None
    """The update that it follows; None for every update."""

    def after_update(self, copy: FrozenState, live: Weights, num_updates: tf.Tensor) -> FrozenState:
        """The live weights at age 0 where n divides num_updates, else the same weights one update older."""
        due = tf.equal(num_updates % self.every_updates, 0)
        weights = tf.nest.map_structure(lambda old, new: tf.where(due, tf.stop_gradient(new), old), copy.weights, live)
        return FrozenState(weights, tf.where(due, 0.0, copy.age + 1.0))
