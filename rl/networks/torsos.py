"""Torsos: from an observation to features."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import keras

from rl.errors import require

ACTIVATIONS = ("tanh", "relu", "elu", "silu", "gelu")


@dataclass(frozen=True, kw_only=True)
class MLP:
    """Fully connected layers, orthogonal at the start with gain √2 and zero biases."""

    widths: Sequence[int]
    """Units of each layer, at least one layer."""
    activation: str
    """One of `ACTIVATIONS`."""
    layer_norm: bool
    """Whether each layer is normalised before its activation (Ba et al. 2016, arXiv:1607.06450)."""

    def __post_init__(self):
        require(
            len(self.widths) > 0 and all(isinstance(width, int) and width > 0 for width in self.widths),
            f"network.torso.widths is {list(self.widths)}; allowed is a list of at least one positive integer.",
        )
        require(
            self.activation in ACTIVATIONS,
            f"network.torso.activation is {self.activation!r}; it is one of {', '.join(ACTIVATIONS)}.",
        )

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


def dense(units: int, name: str, *, gain: float, seed: int) -> keras.layers.Dense:
    """A linear layer with an orthogonal kernel (Saxe et al. 2014) of this gain and a zero bias."""
    return keras.layers.Dense(units, name=name, kernel_initializer=keras.initializers.Orthogonal(gain, seed=seed))
