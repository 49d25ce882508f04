"""The network of an actor-critic agent: policy and value on a shared torso, or each on its own."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from rl.distributions import Categorical, DiagonalGaussian, Distribution
from rl.errors import require
from rl.networks.convolutional import ConvolutionalTorso
from rl.networks.gaussian_head import gaussian_head
from rl.networks.heads import Head, logits_head, value_head
from rl.networks.mlp import MLP
from rl.networks.network import OBSERVATION, Network, Part
from rl.settings import NonNegativeNumber, Number, checked
from rl.spaces import Box, Discrete, Space


class ActorCriticNetwork(NamedTuple):
    """A network with heads `policy`, `value` and possibly others, and the distribution that `policy` parameterises."""

    network: Network
    distribution: Distribution


@checked
def actor_critic(
    *,
    torso: MLP | ConvolutionalTorso,
    shared: bool,
    policy_gain: NonNegativeNumber,
    value_gain: NonNegativeNumber,
    value_bias: Number,
    initial_log_std: Number,
    observation_space: Space,
    action_space: Space,
    seed: int,
    heads: Mapping[str, Head],
) -> ActorCriticNetwork:
    """Builds the network for an environment's spaces and an agent's heads.

    Args:
        torso: settings of each torso, from which its layers are built.
        shared: whether all heads read one torso, `torso`; otherwise there are `policy_torso`, `value_torso`, …, as the
            heads declare.
        policy_gain, value_gain: gains of the heads' initial kernels, which are orthogonal (Saxe et al. 2014,
            arXiv:1312.6120); Andrychowicz et al. 2021 (arXiv:2006.05990, section 3.2) recommend a small last policy
            layer.
        value_bias: initial bias of the value head, in units of the value's targets.
        initial_log_std: initial log σ of a continuous policy, with σ in units of the action; 0 for discrete actions.
        observation_space: a Box.
        action_space: a Discrete or a Box with one axis.
        seed: determines all initial weights.
        heads: {name: head} of the agent, including `policy`.
    Returns: the network and the policy's distribution.
    Raises: ConfigError for spaces that the network does not support, a torso that does not fit the observations, or a
        non-zero initial_log_std with discrete actions.
    """
    require(
        isinstance(observation_space, Box) and isinstance(action_space, Discrete | Box),
        f"this network reads a Box and chooses from a Discrete or a Box, but the environment has observations "
        f"{type(observation_space).__name__} and actions {type(action_space).__name__}; choose another (network).",
    )
    require(
        isinstance(torso, MLP) or len(observation_space.shape) == 3,
        f"a convolutional torso needs frames [height, width, channels], but observations have shape "
        f"{observation_space.shape}; choose network=mlp (network).",
    )
    require(
        isinstance(action_space, Box) or initial_log_std == 0.0,
        f"network.initial_log_std is {initial_log_std:g}, but the actions are discrete and have no standard deviation; "
        "leave it at 0.0.",
    )
    require(
        shared or len(observation_space.shape) == 1 or not any(head.reads_observation for head in heads.values()),
        f"this agent's critics read the observation itself, which has shape {observation_space.shape}: put them on the "
        "torso (network.shared=true).",
    )
    if not isinstance(torso, MLP):
        torso.check(observation_space.shape)
    seeds = [int(word) for word in np.random.SeedSequence(seed).generate_state(2 * torso.num_seeds + 2)]
    if isinstance(action_space, Discrete):
        distribution = Categorical(action_space.n)
        policy = logits_head(action_space.n, gain=policy_gain, seed=seeds[0])
    else:
        (num_dimensions,) = action_space.shape
        distribution = DiagonalGaussian(num_dimensions)
        policy = gaussian_head(num_dimensions, gain=policy_gain, seed=seeds[0], initial_log_std=initial_log_std)
    distribution = heads["policy"].distribution or distribution
    value = value_head(gain=value_gain, bias=value_bias, seed=seeds[1])
    first, second = seeds[2 : 2 + torso.num_seeds], seeds[2 + torso.num_seeds :]
    drawn = {"torso": first, "policy_torso": first, "value_torso": second}
    torsos = {
        head: "torso" if shared else f"{one.torso}_torso"
        for head, one in heads.items()
        if one.torso is not None and (shared or not one.reads_observation)
    }
    frames = observation_space.dtype == tf.uint8
    parts = {
        name: Part(
            _layers(torso, name, drawn.get(name) or _seeds_of(name, seed, torso.num_seeds), frames=frames),
            (OBSERVATION,),
        )
        for name in dict.fromkeys(torsos.values())
    }
    inputs = {OBSERVATION: observation_space.shape}
    for name, head in heads.items():
        own = {"policy": policy, "value": value}[name] if head.layer is None else head.layer(*_seeds_of(name, seed, 1))
        before = (torsos[name],) if name in torsos else (OBSERVATION,) if head.reads_observation else ()
        read = (*before, *head.inputs)
        parts[name] = Part(own, read, head.detached)
        for one, shape in head.inputs.items():
            if inputs.setdefault(one, shape) != shape:
                raise ValueError(f"head {name!r} reads {one!r} with shape {shape}; elsewhere it is {inputs[one]}.")
    return ActorCriticNetwork(Network(parts, inputs, tuple(heads)), distribution)


def _seeds_of(part: str, seed: int, count: int) -> list[int]:
    """Seeds of a part's initial weights, derived from `seed` and its name, so that other parts do not affect them."""
    return [int(word) for word in np.random.SeedSequence([seed, *part.encode()]).generate_state(count)]


def _layers(torso: MLP | ConvolutionalTorso, name: str, seeds: Sequence[int], *, frames: bool) -> keras.Sequential:
    """The torso's layers; for uint8 frames, the first one rescales to [0, 1]."""
    model = torso.layers(name, seeds)
    return (
        keras.Sequential([keras.layers.Rescaling(1 / 255, name="frames"), *model.layers], name=name)
        if frames
        else model
    )
