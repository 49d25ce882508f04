"""The network of an actor-critic agent: policy and value on one torso, or each on its own."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rl.environments import Box, Discrete
from rl.errors import require
from rl.estimators import Categorical, DiagonalGaussian, Distribution
from rl.networks.heads import gaussian_head, logits_head, value_head
from rl.networks.network import Network
from rl.networks.torsos import MLP, ConvolutionalTorso

_POLICY_GAIN, _VALUE_GAIN = (
    0.01,
    1.0,
)  # Andrychowicz et al. 2021 (arXiv:2006.05990), section 3.2: a small last policy layer


class ActorCriticNetwork(NamedTuple):
    """A network with heads `policy` and `value`, and the distribution that the policy's output parametrises."""

    network: Network
    distribution: Distribution


def actor_critic(
    *,
    torso: MLP | ConvolutionalTorso,
    shared: bool,
    initial_log_std: float,
    observation_shape: Sequence[int],
    action_space: Discrete | Box,
    seed: int,
) -> ActorCriticNetwork:
    """Builds the network for an environment's spaces.

    Args:
        torso: what makes the torso's layers.
        shared: one torso, `torso`, for both heads; otherwise `policy_torso` and `value_torso`.
        initial_log_std: of a continuous policy, in units of the action.
        seed: all initial weights follow from it.
    """
    require(
        isinstance(torso, MLP) or len(observation_shape) == 3,
        f"a convolutional torso needs frames [height, width, channels], but observations have shape "
        f"{tuple(observation_shape)}; choose network=mlp (network).",
    )
    seeds = [int(word) for word in np.random.SeedSequence(seed).generate_state(2 * torso.num_seeds + 2)]
    if isinstance(action_space, Discrete):
        distribution = Categorical(action_space.n)
        policy = logits_head(action_space.n, gain=_POLICY_GAIN, seed=seeds[0])
    else:
        (num_dimensions,) = action_space.shape
        distribution = DiagonalGaussian(num_dimensions)
        policy = gaussian_head(num_dimensions, gain=_POLICY_GAIN, seed=seeds[0], initial_log_std=initial_log_std)
    value = value_head(gain=_VALUE_GAIN, seed=seeds[1])
    first, second = seeds[2 : 2 + torso.num_seeds], seeds[2 + torso.num_seeds :]
    if shared:
        parts = {"torso": torso.layers("torso", first), "policy": policy, "value": value}
        routes = {"policy": ("torso", "policy"), "value": ("torso", "value")}
    else:
        parts = {
            "policy_torso": torso.layers("policy_torso", first),
            "value_torso": torso.layers("value_torso", second),
            "policy": policy,
            "value": value,
        }
        routes = {"policy": ("policy_torso", "policy"), "value": ("value_torso", "value")}
    return ActorCriticNetwork(Network(parts, routes, observation_shape), distribution)
