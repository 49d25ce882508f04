"""Baird's counterexample: off-policy semi-gradient TD diverges on it (Baird 1995; Sutton & Barto 2018, figure 11.1)."""

import numpy as np

from rl.environments.compiled.environment import EpisodeSteps
from rl.environments.compiled.tabular.finite_mdp import FiniteMDP
from rl.environments.compiled.tabular.mdp import TabularMDP
from rl.settings import PositiveInteger, checked


class Baird(TabularMDP):
    """Seven states and two actions: dashed (0) leads to one of the first six at random, solid (1) to the seventh.

    Every reward is 0, so the value of every policy is 0. An episode begins in a random state and never terminates.
    The features [7, 8] are 2 e_i + e_8 in states 1 to 6 and e_7 + 2 e_8 in the seventh. In the book the behaviour
    policy takes dashed with probability 6/7 and solid with 1/7, the target policy always takes solid, and γ = 0.99.
    """

    @checked
    def __init__(self, *, num_envs: PositiveInteger, max_episode_steps: EpisodeSteps | None):
        """
        Args:
            num_envs: N.
            max_episode_steps: steps after which an episode is truncated; None for no limit.
        """
        transition = np.zeros((7, 2, 7))
        transition[:, 0, :6] = 1 / 6
        transition[:, 1, 6] = 1
        features = np.eye(7, 8) * [2, 2, 2, 2, 2, 2, 1, 1]
        features[:, 7] = [1, 1, 1, 1, 1, 1, 2]
        super().__init__(
            num_envs=num_envs,
            max_episode_steps=max_episode_steps,
            mdp=FiniteMDP(transition, np.zeros((7, 2)), np.zeros(7, bool), np.full(7, 1 / 7)),
            features=features,
        )
