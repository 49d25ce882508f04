"""Finite MDPs whose truth is known: environments, and their exact solutions in `exact`."""

from rl.environments.compiled.tabular.baird import Baird
from rl.environments.compiled.tabular.chain import Chain
from rl.environments.compiled.tabular.finite_mdp import FiniteMDP
from rl.environments.compiled.tabular.garnet import Garnet
from rl.environments.compiled.tabular.gridworld import GridWorld
from rl.environments.compiled.tabular.mdp import TabularMDP

__all__ = ["Baird", "Chain", "FiniteMDP", "Garnet", "GridWorld", "TabularMDP"]
