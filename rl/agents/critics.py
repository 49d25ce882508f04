"""Critics of observations and actions."""

import math
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from rl.distributions import Squashed
from rl.networks import linear
from rl.networks.dense import dense


def critic_head(name: str, widths: Sequence[int], seed: int, *, layer_norm: bool, size: int = 1) -> keras.Sequential:
    """A multilayer perceptron on features or observation and action, [B, F + d] → [B, size].

    Args:
        name: of the head.
        widths: units of its hidden layers; relu, orthogonal with gain √2.
        seed: of all initial kernels.
        layer_norm: whether layer normalisation precedes each activation.
    """
    *seeds, last = (int(word) for word in np.random.SeedSequence(seed).generate_state(len(widths) + 1))
    layers: list[keras.layers.Layer] = []
    for place, (width, own) in enumerate(zip(widths, seeds, strict=True)):
        layers.append(dense(width, f"dense_{place}", gain=math.sqrt(2.0), seed=own))
        if layer_norm:
            layers.append(keras.layers.LayerNormalization(name=f"norm_{place}"))
        layers.append(keras.layers.Activation("relu", name=f"activation_{place}"))
    return keras.Sequential([*layers, linear(size, "linear", gain=1.0, seed=last)], name=name)


def unit_action(box: Squashed, action: tf.Tensor) -> tf.Tensor:
    """Actions [B, d] as a critic reads them: −1 to 1 within the bounds."""
    return (action - tf.constant(box.middle, action.dtype)) / tf.constant(box.half, action.dtype)
