"""The result of an evaluation."""

from typing import NamedTuple

import numpy as np


class Evaluation(NamedTuple):
    """The undiscounted returns of evaluation episodes, with rewards as the environment gives them.

    returns: [episodes]. cut: number of episodes cut at the maximum number of steps; their returns up to there count.
    """

    returns: np.ndarray
    cut: int = 0

    def summary(self) -> dict[str, float | int]:
        """{mean, std, iqm, episodes, cut}, as in summary.json.

        std is the population standard deviation. iqm is the interquartile mean: the mean without the lowest and the
        highest quarter of the returns, each rounded down to whole episodes.
        """
        count = len(self.returns)
        middle = np.sort(self.returns)[count // 4 : count - count // 4]
        return {
            "mean": float(self.returns.mean()),
            "std": float(self.returns.std()),
            "iqm": float(middle.mean()),
            "episodes": count,
            "cut": self.cut,
        }
