"""Torsos: from an observation to features."""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import keras
from pydantic import Field

from rl.settings import PositiveInteger, settings

Activation = Literal["tanh", "relu", "elu", "silu", "gelu"]
Widths = Annotated[Sequence[PositiveInteger], Field(min_length=1)]


@settings
class MLP:
    """Fully connected layers, orthogonal at the start with gain √2 and zero biases."""

    widths: Widths
    """Units of each layer."""
    activation: Activation
    layer_norm: bool
    """Whether each layer is normalised before its activation (Ba et al. 2016, arXiv:1607.06450)."""

    def layers(self, name: str, seeds: Sequence[int]) -> keras.Sequential:
        """The layers, not yet built.

        Args:
            name: of the part, `torso`.
            seeds: one integer a layer, for its initial kernel.
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
        """How many seeds `layers` takes."""
        return len(self.widths)


@settings
class ConvolutionalTorso:
    """One 3 × 3 convolution and fully connected layers, as MinAtar's authors have it.

    Young & Tian 2019 (arXiv:1903.03176): 16 filters with stride 1 and no padding, then 128 units. Orthogonal at the
    start with gain √2 and zero biases.
    """

    filters: PositiveInteger
    """Of the convolution."""
    widths: Widths
    """Units of each fully connected layer after it."""
    activation: Activation

    def layers(self, name: str, seeds: Sequence[int]) -> keras.Sequential:
        """The layers, not yet built; see `MLP.layers`. Frames are [height, width, channels], at least 3 × 3."""
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
        """How many seeds `layers` takes."""
        return 1 + len(self.widths)


class Patches(keras.layers.Layer):
    """All 3 × 3 patches of frames: [B, H, W, C] → [B, H − 2, W − 2, 9 C].

    A linear layer on them is a convolution. As a matrix product it takes a small part of the time of XLA's own
    convolution on a CPU, and it can be batched over runs.
    """

    def call(self, frames):
        """In the order of rows, columns and channels."""
        height, width = frames.shape[1] - 2, frames.shape[2] - 2
        shifted = [frames[:, row : row + height, column : column + width] for row in range(3) for column in range(3)]
        return keras.ops.concatenate(shifted, -1)

    def compute_output_shape(self, input_shape):
        """See `call`."""
        batch, height, width, channels = input_shape
        return (batch, height - 2, width - 2, 9 * channels)


def dense(units: int, name: str, *, gain: float, seed: int) -> keras.layers.Dense:
    """A linear layer with an orthogonal kernel (Saxe et al. 2014) of this gain and a zero bias."""
    return keras.layers.Dense(units, name=name, kernel_initializer=keras.initializers.Orthogonal(gain, seed=seed))
