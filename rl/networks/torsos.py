"""Torsos: layers from an observation to the features [B, F] that heads read."""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import keras
from pydantic import Field

from rl.settings import PositiveInteger, settings

Activation = Literal["tanh", "relu", "elu", "silu", "gelu"]
"""The Keras activation functions that a torso may use."""
Widths = Annotated[Sequence[PositiveInteger], Field(min_length=1)]
"""Number of units of each layer, at least one layer."""


@settings
class MLP:
    """A multilayer perceptron on the flattened observation; the last width is the number of features F.

    Initial kernels are orthogonal with gain √2, initial biases zero.
    """

    widths: Widths
    """Units of each layer."""
    activation: Activation
    """After every layer, the last included."""
    layer_norm: bool
    """Whether layer normalisation precedes each activation (Ba et al. 2016, arXiv:1607.06450)."""

    def layers(self, name: str, seeds: Sequence[int]) -> keras.Sequential:
        """The layers as one unbuilt Keras model, [B, ...] → [B, F].

        Args:
            name: the part's, such as `torso`.
            seeds: `num_seeds` integers, one for the initial kernel of each layer.
        """
        layers: list[keras.layers.Layer] = [keras.layers.Flatten(name="flatten")]
        for index, (width, seed) in enumerate(zip(self.widths, seeds, strict=False)):
            layers.append(dense(width, f"dense_{index}", gain=math.sqrt(2.0), seed=seed))
            if self.layer_norm:
                layers.append(keras.layers.LayerNormalization(name=f"norm_{index}"))
            layers.append(keras.layers.Activation(self.activation, name=f"activation_{index}"))
        return keras.Sequential(layers, name=name)

    @property
    def num_seeds(self) -> int:
        """Number of seeds that `layers` takes."""
        return len(self.widths)


@settings
class ConvolutionalTorso:
    """One 3 × 3 convolution and fully connected layers, the network of MinAtar's authors.

    Young & Tian 2019 (arXiv:1903.03176) use 16 filters with stride 1 and no padding, then 128 units. Initial
    kernels are orthogonal with gain √2, initial biases zero.
    """

    filters: PositiveInteger
    """Filters of the convolution."""
    widths: Widths
    """Units of each fully connected layer after it."""
    activation: Activation
    """After the convolution and every layer, the last included."""

    def layers(self, name: str, seeds: Sequence[int]) -> keras.Sequential:
        """The layers as one unbuilt Keras model, frames [B, height ≥ 3, width ≥ 3, channels] → [B, F].

        Args: see `MLP.layers`; the first seed is the convolution's.
        """
        first, *rest = seeds
        layers: list[keras.layers.Layer] = [
            Patches(name="patches"),
            dense(self.filters, "convolution", gain=math.sqrt(2.0), seed=first),
            keras.layers.Activation(self.activation, name="activation"),
            keras.layers.Flatten(name="flatten"),
        ]
        for index, (width, seed) in enumerate(zip(self.widths, rest, strict=False)):
            layers.append(dense(width, f"dense_{index}", gain=math.sqrt(2.0), seed=seed))
            layers.append(keras.layers.Activation(self.activation, name=f"activation_{index}"))
        return keras.Sequential(layers, name=name)

    @property
    def num_seeds(self) -> int:
        """Number of seeds that `layers` takes."""
        return 1 + len(self.widths)


class Patches(keras.layers.Layer):
    """All 3 × 3 patches of frames: [B, H, W, C] → [B, H − 2, W − 2, 9 C].

    A linear layer on the patches is a convolution with stride 1 and no padding. As a matrix product it takes a
    fraction of the time of XLA's own convolution on a CPU, and unlike that convolution it can be batched over runs.
    """

    def call(self, frames):
        """The patches, each with its entries in the order of rows, columns and channels."""
        height, width = frames.shape[1] - 2, frames.shape[2] - 2
        shifted = [frames[:, row : row + height, column : column + width] for row in range(3) for column in range(3)]
        return keras.ops.concatenate(shifted, -1)

    def compute_output_shape(self, input_shape):
        """(B, H − 2, W − 2, 9 C), for Keras' shape inference."""
        batch, height, width, channels = input_shape
        return (batch, height - 2, width - 2, 9 * channels)


def dense(units: int, name: str, *, gain: float, seed: int) -> keras.layers.Dense:
    """A linear layer with an orthogonal initial kernel (Saxe et al. 2014) and a zero bias.

    Args:
        gain: the singular values of the kernel, all equal.
        seed: of the kernel.
    """
    return keras.layers.Dense(units, name=name, kernel_initializer=keras.initializers.Orthogonal(gain, seed=seed))
