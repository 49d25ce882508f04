"""What an agent says of each of its objectives."""

from collections.abc import Mapping
from typing import NamedTuple

LIVE = "live"
"""The role of the weights that updates move; the other roles are frozen copies (behaviour, target, anchor)."""


class At(NamedTuple):
    """A part of the network at the weights of one role: what a tape watches, and what a gradient is taken by."""

    role: str
    part: str

    def name(self, weight: str) -> str:
        """The name of one of the part's weights, `target/torso/dense_0/kernel` at a frozen copy."""
        return weight if self.role == LIVE else f"{self.role}/{weight}"


class Objective(NamedTuple):
    """A named scalar loss to minimise.

    coefficient: its weight in the total loss. reads: {role: the parts of the network that the objective's gradient
    reaches}; it must reach them and no other. per_sample: whether the loss is a mean over samples, so that it can be
    taken of some of them as well.
    """

    name: str
    coefficient: float
    reads: Mapping[str, tuple[str, ...]]
    per_sample: bool = True

    @property
    def places(self) -> tuple[At, ...]:
        """All that its gradient reaches."""
        return tuple(At(role, part) for role, parts in self.reads.items() for part in parts)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that its gradient reaches, whatever the role."""
        return tuple(dict.fromkeys(place.part for place in self.places))
