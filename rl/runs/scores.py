"""What an evaluation finds."""

from typing import NamedTuple

import numpy as np


class Evaluation(NamedTuple):
    """Undiscounted returns of episodes, rewards as the environment gives them, [episodes].

    cut: how many of them were cut at the most steps that an episode may take; their returns are what they had by then.
    """

    returns: np.ndarray
    cut: int = 0

    def summary(self) -> dict[str, float | int]:
        """{mean, std, iqm, episodes, cut}, as in summary.json.

        std is the population's; iqm the mean of the middle half, a quarter of the episodes being cut off at either end.
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
