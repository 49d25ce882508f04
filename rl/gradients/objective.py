"""What an agent says of each of its objectives."""

from typing import NamedTuple


class Objective(NamedTuple):
    """A named scalar loss to minimise.

    The coefficient is its weight in the total loss. `reads` names the parts of the network that its gradient reaches;
    it must reach them and no other.
    """

    name: str
    coefficient: float
    reads: tuple[str, ...]
