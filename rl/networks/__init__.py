"""Torsos and heads: one network, any set of weights."""

from rl.networks.actor_critic import ActorCriticNetwork, actor_critic
from rl.networks.network import Network
from rl.networks.torsos import MLP, ConvolutionalTorso

__all__ = ["MLP", "ActorCriticNetwork", "ConvolutionalTorso", "Network", "actor_critic"]
