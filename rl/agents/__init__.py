"""Agents: one file each, its objectives and its frozen copies."""

from rl.agents.a2c import A2C
from rl.agents.actor_critic import ActorCritic
from rl.agents.bootstrap import GradientCorrection, Residual, SemiGradient
from rl.agents.phase import Agent, Phase
from rl.agents.ppo import PPO

__all__ = ["A2C", "PPO", "ActorCritic", "Agent", "GradientCorrection", "Phase", "Residual", "SemiGradient"]
