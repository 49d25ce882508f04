"""Agents, one file each: an agent declares its heads, its phases with their objectives, and its frozen copies.

`A2C` and `PPO` extend `ActorCritic`. `SemiGradient`, `Residual` and `GradientCorrection` are the choices of its
bootstrap target. `SAC`, `DiscreteSAC`, `TD3` and `MPO` extend `OffPolicy` and learn from memory. `Agent` is the
protocol, and `Phase` and `Update` are the values that an agent consists of.
"""

from rl.agents.a2c import A2C
from rl.agents.actor_critic import ActorCritic
from rl.agents.agent import Agent
from rl.agents.gradient_correction import GradientCorrection
from rl.agents.impala import IMPALA
from rl.agents.mpo import MPO
from rl.agents.phase import LIVE, Phase, Roles, Update, roles_of
from rl.agents.ppg import PPG
from rl.agents.ppo import PPO
from rl.agents.residual import Residual
from rl.agents.sac import SAC
from rl.agents.sac_discrete import DiscreteSAC
from rl.agents.semi_gradient import SemiGradient
from rl.agents.td3 import TD3

__all__ = [
    "A2C",
    "IMPALA",
    "LIVE",
    "MPO",
    "PPG",
    "PPO",
    "SAC",
    "TD3",
    "ActorCritic",
    "Agent",
    "DiscreteSAC",
    "GradientCorrection",
    "Phase",
    "Residual",
    "Roles",
    "SemiGradient",
    "Update",
    "roles_of",
]
