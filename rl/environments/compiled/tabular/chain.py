"""The random-walk chain of Sutton & Barto 2018, example 6.2."""

import numpy as np

from rl.environments.compiled.environment import EpisodeSteps
from rl.environments.compiled.tabular.finite_mdp import FiniteMDP
from rl.environments.compiled.tabular.mdp import Size, TabularMDP
from rl.settings import PositiveInteger, Share, checked


class Chain(TabularMDP):
    """States 1 to n in a row between the terminal states 0 and n + 1; actions go left (0) or right (1).

    P(k + 1 | k, right) = P(k − 1 | k, left) = 1 − slip; with probability slip a move goes the other way.

    The reward is 1 for a step into the right end, else 0. An episode begins in the middle state, or the left one of the
    two middle states if n is even. Under the random walk the value of state k at γ = 1 is k / (n + 1).
    """

    @checked
    def __init__(
        self, *, num_envs: PositiveInteger, max_episode_steps: EpisodeSteps | None, num_states: Size, slip: Share
    ):
        """
        Args:
            num_envs: N.
            max_episode_steps: steps after which an episode is truncated; None for no limit.
            num_states: n, not counting the two terminal states.
            slip: the probability that a move goes the other way.
        """
        size = num_states + 2
        transition = np.zeros((size, 2, size))
        for state in range(1, num_states + 1):
            transition[state, :, state - 1] = 1 - slip, slip
            transition[state, :, state + 1] = slip, 1 - slip
        terminal = np.zeros(size, bool)
        terminal[[0, -1]] = True
        start = np.eye(size)[(num_states + 1) // 2]
        super().__init__(
            num_envs=num_envs,
            max_episode_steps=max_episode_steps,
            mdp=FiniteMDP(transition, transition[:, :, -1], terminal, start),
        )
