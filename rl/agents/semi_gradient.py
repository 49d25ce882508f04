"""The usual bootstrap target: a constant."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from rl.networks import Head
from rl.settings import settings


@settings
class SemiGradient:
    """The value regresses on the λ-return, through which no gradient flows (Sutton 1988)."""

    of: Literal["live", "target"]
    """The role whose value is the bootstrap target."""

    through: ClassVar[tuple[str, ...]] = ()
    """Roles of frozen copies through which the value's gradient flows as well."""
    objectives: ClassVar[Mapping[str, float]] = {}
    """{objective in addition to the agent's own: its coefficient}; each reads the head of the same name."""
    heads: ClassVar[Mapping[str, Head]] = {}
    """{name: head in addition to the agent's own}."""
