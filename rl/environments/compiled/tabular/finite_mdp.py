"""A finite Markov decision process as arrays."""

from typing import NamedTuple

import numpy as np

from rl.errors import require


class FiniteMDP(NamedTuple):
    """A finite MDP with S states and A actions; all arrays but `terminal` are float64.

    transition: P(s' | s, a), [S, A, S].
    reward: r(s, a), the expected reward of a step, [S, A].
    terminal: [S] bool; a step into such a state terminates the episode. Its rows of `transition` and `reward` are never
        read.
    start: the distribution of first states, [S]; none of them is terminal.
    """

    transition: np.ndarray
    reward: np.ndarray
    terminal: np.ndarray
    start: np.ndarray

    @classmethod
    def checked(cls, transition, reward, terminal, start) -> "FiniteMDP":
        """The MDP with these arrays, converted to their types and checked.

        Raises: ConfigError if shapes do not match, a reward is not finite, probabilities are negative or do not sum to
            1, or an episode could begin in a terminal state.
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
        """The indices of the non-terminal states, ascending."""
        return np.flatnonzero(~self.terminal)


def _require_distributions(probabilities: np.ndarray, name: str) -> None:
    """Raises ConfigError unless the entries along the last axis are at least 0 and sum to 1 within 1e−9."""
    good = (probabilities >= 0).all() and np.allclose(probabilities.sum(-1), 1, rtol=0, atol=1e-9)
    require(bool(good), f"{name} is no distribution; its probabilities must be at least 0 and sum to 1.")
