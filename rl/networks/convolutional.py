"""The convolutional torso of MinAtar's authors."""

import math
from collections.abc import Sequence

import keras

from rl.networks.dense import Activation, dense
from rl.networks.mlp import Widths
from rl.networks.patches import Patches
from rl.settings import PositiveInteger, settings


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
