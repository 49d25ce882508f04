"""The fully connected torso."""

import math
from collections.abc import Sequence
from typing import Annotated

import keras
from pydantic import Field

from rl.networks.dense import Activation, dense
from rl.settings import PositiveInteger, settings

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
