"""Heads: layers from features [B, F] to the parameters of a policy, or to a value."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import keras

from rl.networks.linear import linear


class Head(NamedTuple):
    """A head that an agent declares; a head that reads nothing is a bare parameter (a temperature, a dual variable)."""

    layer: Callable[[int], keras.Layer] | None = None
    """Builds the head's layer from a seed; None for `policy` and `value`, which the network's settings define."""
    torso: str | None = "value"
    """With separate torsos, the name of the one that it reads: `policy`, `value` or another. None reads no torso."""
    inputs: Mapping[str, tuple[int, ...]] = MappingProxyType({})
    """{input: shape of one sample} of further inputs (an action), concatenated to the torso's features."""
    reads_observation: bool = False
    """Whether, with separate torsos, it reads the observation itself in place of a torso."""
    distribution: Any = None
    """What `policy` parameterises; None for the usual one of the action space."""
    detached: bool = False
    """Whether its gradient stops before the torso, which then does not learn from it."""


def logits_head(num_actions: int, *, gain: float, seed: int) -> keras.Sequential:
    """A linear policy head for discrete actions, [B, F] → logits [B, n].

    Args:
        num_actions: n.
        gain: of the orthogonal kernel; a small one makes the initial policy nearly uniform.
        seed: of the initial kernel.
    """
    return keras.Sequential([linear(num_actions, "logits", gain=gain, seed=seed)], name="policy")


def value_head(*, gain: float, bias: float, seed: int, name: str = "value") -> keras.Sequential:
    """A linear value head, [B, F] → values [B, 1].

    Args:
        gain, seed: of the orthogonal kernel.
        bias: the initial bias, in units of the return: the value before training, up to the kernel's contribution.
        name: of the part.
    """
    return keras.Sequential([linear(1, "linear", gain=gain, bias=bias, seed=seed)], name=name)


def scalar_head(name: str) -> Callable[[int], keras.Layer]:
    """What makes a linear head with one output, [B, F] → [B, 1], from a seed; the gain is 1, the bias 0."""
    return lambda seed: value_head(gain=1.0, bias=0.0, seed=seed, name=name)
