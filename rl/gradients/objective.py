"""An objective: its name, its coefficient, and the parts of the network that its gradient reaches."""

from collections.abc import Mapping
from typing import NamedTuple

LIVE = "live"
"""The role of the weights that updates move; the other roles are frozen copies (behaviour, target, anchor)."""


class At(NamedTuple):
    """A part of the network at the weights of one role, with respect to which a gradient is taken."""

    role: str
    """`live`, or the role of a frozen copy."""
    part: str
    """`torso`, or the name of a head or another part."""

    def name(self, weight: str) -> str:
        """A weight's name at this role: unchanged for live weights, `target/torso/dense_0/kernel` at a frozen copy."""
        return weight if self.role == LIVE else f"{self.role}/{weight}"


class Objective(NamedTuple):
    """A named scalar loss to minimise.

    Its gradient has to reach every part that it declares in `reads`, and no other: `watched_rows` and the leak audit
    raise otherwise.
    """

    name: str
    """`policy`, `value`, `entropy`, …"""
    coefficient: float
    """c, its weight in the total loss Σ_i c_i L_i."""
    reads: Mapping[str, tuple[str, ...]]
    """{role: the parts of the network that its gradient reaches}."""
    per_sample: bool = True
    """Whether the loss is a mean over samples, and so also defined on a subset of a minibatch."""

    @property
    def places(self) -> tuple[At, ...]:
        """Every part that its gradient reaches, with the role of its weights."""
        return tuple(At(role, part) for role, parts in self.reads.items() for part in parts)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that its gradient reaches at any role, each once."""
        return tuple(dict.fromkeys(place.part for place in self.places))
