"""A target that averages the live weights."""

from typing import Annotated

import tensorflow as tf
from pydantic import Field

from rl.frozen.never import Never
from rl.frozen.schedule import FrozenState, Weights
from rl.inputs import INPUT
from rl.settings import PositiveNumber, settings


@settings
class Polyak(Never):
    """A slowly moving target, θ̄ ← (1 − τ) θ̄ + τ θ after each update (Lillicrap et al. 2016, algorithm 1)."""

    tau: Annotated[PositiveNumber, Field(le=1), INPUT]
    """τ in (0, 1]; the averaging horizon is about 1/τ updates."""
    after: str | None = None
    """The update that it follows; None for every update."""

    def after_update(self, copy: FrozenState, live: Weights, num_updates: tf.Tensor) -> FrozenState:
        """The average after the update, at age (1 − τ) (age + 1); exactly the live weights if τ = 1."""
        weights = tf.nest.map_structure(
            lambda old, new: (1.0 - self.tau) * old + self.tau * tf.stop_gradient(new), copy.weights, live
        )
        return FrozenState(weights, (1.0 - self.tau) * (copy.age + 1.0))
