"""Garnet: random MDPs of a given size (Archibald, McKinnon & Thomas 1995; Bhatnagar et al. 2009).

`exact` solves each instance, so the errors of estimators can be averaged over many MDPs of one size.
"""

import numpy as np

from rl.environments.compiled.environment import EpisodeSteps
from rl.environments.compiled.tabular.finite_mdp import FiniteMDP
from rl.environments.compiled.tabular.mdp import Size, TabularMDP
from rl.errors import require
from rl.settings import NonNegativeInteger, PositiveInteger, checked


class Garnet(TabularMDP):
    """A random MDP with n states, m actions, and b possible successors of each state-action pair.

    The b successors are drawn without replacement; their probabilities are the lengths of the intervals into which
    b − 1 uniform points divide the unit interval. The reward of a pair is standard normal. An episode begins in a state
    drawn uniformly and never terminates.
    """

    @checked
    def __init__(
        self,
        *,
        num_envs: PositiveInteger,
        max_episode_steps: EpisodeSteps | None,
        num_states: Size,
        num_actions: Size,
        branching: Size,
        instance: NonNegativeInteger,
    ):
        """
        Args:
            num_envs: N.
            max_episode_steps: steps after which an episode is truncated; None for no limit.
            num_states, num_actions: n and m.
            branching: b, from 1 to n.
            instance: the seed that the MDP is drawn from; the run's seed does not change it.
        Raises: ConfigError if b > n.
        """
        require(
            branching <= num_states,
            f"branching is {branching}; it must be from 1 to the number of states, {num_states} "
            "(environment.branching).",
        )
        generator = np.random.default_rng(instance)
        transition = np.zeros((num_states, num_actions, num_states))
        for row in transition.reshape(-1, num_states):
            cuts = np.sort(generator.random(branching - 1))
            row[generator.choice(num_states, branching, replace=False)] = np.diff(cuts, prepend=0.0, append=1.0)
        super().__init__(
            num_envs=num_envs,
            max_episode_steps=max_episode_steps,
            mdp=FiniteMDP(
                transition,
                generator.standard_normal((num_states, num_actions)),
                np.zeros(num_states, bool),
                np.full(num_states, 1 / num_states),
            ),
        )
