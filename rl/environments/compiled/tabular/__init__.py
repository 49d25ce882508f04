"""Finite MDPs as environments; `exact` computes their values, policy gradients and state distributions exactly.

Arrays have S states and A actions. `traced` has the same solutions as operations of a program.
"""

from rl.environments.compiled.tabular.baird import Baird
from rl.environments.compiled.tabular.chain import Chain
from rl.environments.compiled.tabular.finite_mdp import FiniteMDP
from rl.environments.compiled.tabular.garnet import Garnet
from rl.environments.compiled.tabular.gridworld import GridWorld
from rl.environments.compiled.tabular.mdp import TabularMDP

__all__ = ["Baird", "Chain", "FiniteMDP", "Garnet", "GridWorld", "TabularMDP"]
