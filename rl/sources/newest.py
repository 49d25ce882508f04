"""The newest rollout, gone through in minibatches."""

from typing import Any

from rl.sources.source import Epochs


class Newest(Epochs):
    """Every sample of the newest rollout `epochs` times, in minibatches without replacement.

    It keeps nothing: the phase prepares the trajectory itself.
    """

    iterations = 1
    of = None

    def init(self, batch: Any) -> tuple:
        """Nothing."""
        return ()

    def put(self, kept: tuple, batch: Any, iteration: Any) -> tuple:
        """Nothing."""
        return kept

    def data(self, kept: tuple, trajectory: Any) -> Any:
        """The trajectory."""
        return trajectory
