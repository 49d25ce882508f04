"""A layer of a torso."""

from typing import Literal

import keras

Activation = Literal["tanh", "relu", "elu", "silu", "gelu"]
"""The Keras activation functions that a torso may use."""


def dense(units: int, name: str, *, gain: float, seed: int) -> keras.layers.Dense:
    """A linear layer with an orthogonal initial kernel (Saxe et al. 2014) and a zero bias.

    Args:
        gain: the singular values of the kernel, all equal.
        seed: of the kernel.
    """
    return keras.layers.Dense(units, name=name, kernel_initializer=keras.initializers.Orthogonal(gain, seed=seed))
