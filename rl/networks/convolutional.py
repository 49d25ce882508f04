"""A small convolutional torso."""

import math
from collections.abc import Sequence

import keras

from rl.errors import require
from rl.networks.dense import Activation, dense
from rl.networks.mlp import Widths
from rl.networks.patches import Patches
from rl.settings import PositiveInteger, settings


@settings
class ConvolutionalTorso:
    """3 × 3 convolutions without padding, and fully connected layers.

    Young & Tian 2019 (arXiv:1903.03176) use one convolution of 16 filters with stride 1, then 128 units, on MinAtar.
    Initial kernels are orthogonal with gain √2, initial biases zero.
    """

    filters: PositiveInteger
    """Filters of each convolution."""
    widths: Widths
    """Units of each fully connected layer after it."""
    activation: Activation
    """After every convolution and every layer, the last included."""
    convolutions: PositiveInteger = 1
    """Number of convolutions."""
    stride: PositiveInteger = 1
    """Rows and columns from one patch of a convolution to the next."""

    def layers(self, name: str, seeds: Sequence[int]) -> keras.Sequential:
        """The layers as one unbuilt Keras model, frames [B, height, width, channels] → [B, F].

        Args: see `MLP.layers`; the first seeds are the convolutions'.
        """
        first, rest = seeds[: self.convolutions], seeds[self.convolutions :]
        layers: list[keras.layers.Layer] = []
        for place, seed in enumerate(first):
            end = f"_{place}" if place else ""
            layers.append(Patches(stride=self.stride, name=f"patches{end}"))
            layers.append(dense(self.filters, f"convolution{end}", gain=math.sqrt(2.0), seed=seed))
            name_of = f"activation_of_convolution{end}" if place else "activation"
            layers.append(keras.layers.Activation(self.activation, name=name_of))
        layers.append(keras.layers.Flatten(name="flatten"))
        for index, (width, seed) in enumerate(zip(self.widths, rest, strict=False)):
            layers.append(dense(width, f"dense_{index}", gain=math.sqrt(2.0), seed=seed))
            layers.append(keras.layers.Activation(self.activation, name=f"activation_{index}"))
        return keras.Sequential(layers, name=name)

    def check(self, shape: Sequence[int]) -> None:
        """Raises ConfigError unless frames [height, width, channels] are large enough for every convolution."""
        sides = tuple(shape[:2])
        for _ in range(self.convolutions):
            require(
                min(sides) >= 3,
                f"network.torso has {self.convolutions} convolutions of stride {self.stride}, which frames of "
                f"{shape[0]} × {shape[1]} are too small for; use fewer (network.torso.convolutions).",
            )
            sides = tuple((side - 3) // self.stride + 1 for side in sides)

    @property
    def num_seeds(self) -> int:
        """Number of seeds that `layers` takes."""
        return self.convolutions + len(self.widths)
