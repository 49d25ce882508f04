"""Torsos and heads: one network, any set of weights.

A `Network` is a pure function of explicit weights; `actor_critic` builds one for an environment's spaces and an agent's
heads.
"""

from rl.networks.actor_critic import ActorCriticNetwork, actor_critic
from rl.networks.convolutional import ConvolutionalTorso
from rl.networks.heads import Head, logits_head, scalar_head, value_head
from rl.networks.linear import linear
from rl.networks.mlp import MLP
from rl.networks.network import OBSERVATION, Network, Output, Part

__all__ = [
    "MLP",
    "OBSERVATION",
    "ActorCriticNetwork",
    "ConvolutionalTorso",
    "Head",
    "Network",
    "Output",
    "Part",
    "actor_critic",
    "linear",
    "logits_head",
    "scalar_head",
    "value_head",
]
