"""The usual bootstrap target: a constant."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from rl.agents.auxiliary import Auxiliary
from rl.settings import settings


@settings
class SemiGradient:
    """The value regresses on the λ-return, through which no gradient flows (Sutton 1988)."""

    of: Literal["live", "target"]
    """The role whose value is the bootstrap target."""

    through: ClassVar[tuple[str, ...]] = ()
    """Roles of frozen copies through which the value's gradient flows as well."""
    auxiliary: ClassVar[Mapping[str, Auxiliary]] = {}
    """{name: objective in addition to the agent's own, whose head the value's loss uses}."""
