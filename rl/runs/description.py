"""What a run directory records of the run that is trained in it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Description(NamedTuple):
    """A run's seed, config and hyperparameters, as its directory records them."""

    seed: int
    config_text: str  # the composed config as YAML, shown in TensorBoard
    hyperparameters: Mapping[str, Any]  # {key: value} for the HParams tab
    files: Mapping[str, str] = {}  # {path in the run directory: text} to write when training begins, such as the config
    lengths: Sequence[
        int
    ] = ()  # environment steps asked for: at the start, and by every extension; the last is in force
