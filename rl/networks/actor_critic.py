"""The network of an actor-critic agent: policy and value on one torso, or each on its own."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rl.environments import Box, Discrete
from rl.errors import require
from rl.estimators import Categorical, DiagonalGaussian, Distribution
from rl.networks.heads import gaussian_head, logits_head, value_head
from rl.networks.network import Network
from rl.networks.torsos import MLP, ConvolutionalTorso


class ActorCriticNetwork(NamedTuple):
    """A network with heads `policy`, `value` and perhaps others, and the distribution of the policy's output."""

    network: Network
    distribution: Distribution


def actor_critic(
    *,
    torso: MLP | ConvolutionalTorso,
    shared: bool,
    policy_gain: float,
    value_gain: float,
    value_bias: float,
    initial_log_std: float,
    observation_shape: Sequence[int],
    action_space: Discrete | Box,
    seed: int,
    detached_heads: Sequence[str] = (),
) -> ActorCriticNetwork:
    """Builds the network for an environment's spaces.

    Args:
        torso: what makes the torso's layers.
        shared: one torso, `torso`, for both heads; otherwise `policy_torso` and `value_torso`.
        policy_gain, value_gain: ≥ 0, scales of the heads' initial kernels, which are orthogonal (Saxe et al. 2014,
            arXiv:1312.6120); a small last policy layer is advised by Andrychowicz et al. 2021 (arXiv:2006.05990),
            section 3.2.
        value_bias: initial bias of the value head, in units of the value's targets.
        initial_log_std: of a continuous policy, in units of the action.
        seed: all initial weights follow from it.
        detached_heads: further heads on the value's features, [B, 1], zero at the start, that do not move the torso.

    Raises: ConfigError for a gain or bias out of its range, and for a torso that does not fit the observations.
    """
    _check_start({"policy_gain": policy_gain, "value_gain": value_gain, "value_bias": value_bias})
    require(
        isinstance(torso, MLP) or len(observation_shape) == 3,
        f"a convolutional torso needs frames [height, width, channels], but observations have shape "
        f"{tuple(observation_shape)}; choose network=mlp (network).",
    )
    seeds = [int(word) for word in np.random.SeedSequence(seed).generate_state(2 * torso.num_seeds + 2)]
    if isinstance(action_space, Discrete):
        distribution = Categorical(action_space.n)
        policy = logits_head(action_space.n, gain=policy_gain, seed=seeds[0])
    else:
        (num_dimensions,) = action_space.shape
        distribution = DiagonalGaussian(num_dimensions)
        policy = gaussian_head(num_dimensions, gain=policy_gain, seed=seeds[0], initial_log_std=initial_log_std)
    value = value_head(gain=value_gain, bias=value_bias, seed=seeds[1])
    first, second = seeds[2 : 2 + torso.num_seeds], seeds[2 + torso.num_seeds :]
    value_route = ("torso",) if shared else ("value_torso",)
    if shared:
        parts = {"torso": torso.layers("torso", first)}
        routes = {"policy": ("torso", "policy")}
    else:
        parts = {
            "policy_torso": torso.layers("policy_torso", first),
            "value_torso": torso.layers("value_torso", second),
        }
        routes = {"policy": ("policy_torso", "policy")}
    parts |= {"policy": policy, "value": value}
    parts |= {head: value_head(gain=0.0, bias=0.0, seed=seed, name=head) for head in detached_heads}
    routes |= {head: (*value_route, head) for head in ("value", *detached_heads)}
    return ActorCriticNetwork(Network(parts, routes, observation_shape, detached_heads), distribution)


def _check_start(numbers: Mapping[str, float]) -> None:
    """ConfigError unless gains are finite numbers ≥ 0 and the bias a finite number."""
    for key, number in numbers.items():
        finite = isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
        gain = key.endswith("gain")
        allowed = "a finite number ≥ 0" if gain else "a finite number"
        require(finite and (number >= 0 or not gain), f"network.{key} is {number!r}; it must be {allowed}.")
