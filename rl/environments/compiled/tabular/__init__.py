"""Finite MDPs as environments; `exact` computes their values, policy gradients and state distributions exactly.

S is the number of states, A the number of actions. `traced` computes the same solutions as TensorFlow operations.
"""

from rl.environments.compiled.tabular.baird import Baird
from rl.environments.compiled.tabular.chain import Chain
from rl.environments.compiled.tabular.finite_mdp import FiniteMDP
from rl.environments.compiled.tabular.garnet import Garnet
from rl.environments.compiled.tabular.gridworld import GridWorld
from rl.environments.compiled.tabular.mdp import TabularMDP

__all__ = ["Baird", "Chain", "FiniteMDP", "Garnet", "GridWorld", "TabularMDP"]
