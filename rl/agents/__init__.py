"""Agents: one file each, its objectives and its frozen copies."""

from rl.agents.a2c import A2C
from rl.agents.actor_critic import ActorCritic
from rl.agents.bootstrap import GradientCorrection, Residual, SemiGradient
from rl.agents.phase import LIVE, Agent, Phase, Roles, Update, roles_of
from rl.agents.ppo import PPO

__all__ = [
    "A2C",
    "LIVE",
    "PPO",
    "ActorCritic",
    "Agent",
    "GradientCorrection",
    "Phase",
    "Residual",
    "Roles",
    "SemiGradient",
    "Update",
    "roles_of",
]
