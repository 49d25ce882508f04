"""A finite MDP as arrays."""

from typing import NamedTuple

import numpy as np

from rl.errors import require


class FiniteMDP(NamedTuple):
    """S states and A actions, float64. What stands in the rows of a terminal state is never read."""

    transition: np.ndarray  # [S, A, S], P(s' | s, a)
    reward: np.ndarray  # [S, A], the expected reward of the step
    terminal: np.ndarray  # [S] bool: a step into such a state ends the episode
    start: np.ndarray  # [S], the distribution of first states; none of them is terminal

    @classmethod
    def checked(cls, transition, reward, terminal, start) -> "FiniteMDP":
        """The MDP of these arrays.

        Raises: ConfigError where shapes do not fit, a distribution is none, or an episode could begin at its end.
        """
        transition, reward, start = (np.asarray(x, np.float64) for x in (transition, reward, start))
        terminal = np.asarray(terminal, bool)
        shapes = [transition.shape, reward.shape, terminal.shape, start.shape]
        states, actions = (*transition.shape, 0, 0)[:2]
        require(
            shapes == [(states, actions, states), (states, actions), (states,), (states,)] and states * actions > 0,
            f"transition, reward, terminal, start have shapes {shapes}; they must be [S, A, S], [S, A], [S], [S].",
        )
        require(bool(np.isfinite(reward).all()), "reward holds a number that is not finite; it must not.")
        _require_distributions(transition[~terminal], "transition[s, a]")
        _require_distributions(start, "start")
        require(not start[terminal].any(), "start gives a terminal state a probability; it must be 0.")
        return cls(transition, reward, terminal, start)

    @property
    def live(self) -> np.ndarray:
        """The states in which actions are taken, ascending."""
        return np.flatnonzero(~self.terminal)


def _require_distributions(probabilities: np.ndarray, name: str) -> None:
    """Along the last axis: nothing below 0, and a sum of 1 to 1e-9."""
    good = (probabilities >= 0).all() and np.allclose(probabilities.sum(-1), 1, rtol=0, atol=1e-9)
    require(bool(good), f"{name} is no distribution; its probabilities must be at least 0 and sum to 1.")
