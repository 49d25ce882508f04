"""The newest rollout, split into minibatches."""

from typing import Any

from rl.sources.source import Epochs


class Newest(Epochs):
    """Uses every sample of the newest rollout `epochs` times, in minibatches without replacement.

    It keeps no data between iterations: the phase prepares the trajectory itself.
    """

    iterations = 1
    of = None

    def init(self, batch: Any) -> tuple:
        """Returns (), since nothing is kept."""
        return ()

    def put(self, kept: tuple, batch: Any, iteration: Any, runs: tuple[int, ...] = ()) -> tuple:
        """Returns `kept`, since nothing is kept."""
        return kept

    def data(self, kept: tuple, trajectory: Any) -> Any:
        """Returns the trajectory."""
        return trajectory
