"""What a run is asked for beside its parts: the keys at the root of a config, and how a run is observed and kept."""

import importlib.util
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from rl.errors import require
from rl.settings import PositiveInteger, settings


@settings
class EvaluationSettings:
    """Greedy evaluations during a run and at its end."""

    episodes: Annotated[int, Field(ge=1, le=1_000_000)]
    """Of an evaluation."""
    every_steps: PositiveInteger
    """Environment steps from one evaluation to the next; there is always one at the end."""
    max_steps: PositiveInteger
    """Environment steps at which an episode that has not ended is cut."""
    videos: Annotated[int, Field(ge=0, le=1_000)]
    """Greedy episodes that are recorded as MP4 at the end."""

    def __post_init__(self):
        require(
            self.videos == 0 or importlib.util.find_spec("imageio") is not None,
            "videos need the extra `video`: pip install 'tapestry-rl[video]' (evaluation.videos).",
        )


@settings
class CheckpointSettings:
    """What is kept of a run."""

    every_steps: PositiveInteger
    """Environment steps from one checkpoint to the next."""
    keep: PositiveInteger
    """How many of the newest stay, besides the best."""
    load: str | None
    """A checkpoint file or a run directory whose weights and statistics to start from: `load.path` with all parts."""


@settings
class LoggingSettings:
    """What is said of a run while it trains."""

    every_steps: PositiveInteger
    """Environment steps between points in TensorBoard."""
    progress: bool
    """Whether to draw a progress bar where there is a terminal."""


@settings
class ProbeSettings:
    """What is measured of the rows."""

    every_steps: PositiveInteger
    """Environment steps from one probed update to the next."""
    every_iterations: PositiveInteger
    """And at least this many iterations."""
    histograms_every_steps: PositiveInteger
    """Environment steps from one set of histograms to the next."""
    names: Sequence[str]
    """Of `rl.gradients.probes.PROBES`."""
    samples: Annotated[int, Field(ge=2, le=1_000_000)]
    """At most this many samples of a minibatch get rows of their own."""
    oracle: bool
    """Whether rows are held against the true ones of a finite MDP."""


@settings
class LoadSettings:
    """The weights of another run that a run starts from."""

    path: str | None
    """A checkpoint file or a run directory; None for the initial weights."""
    parts: Annotated[Sequence[str], Field(min_length=1)]
    """Patterns of parts or single weights, and `normalizer/observation` for the statistics of observations."""


@settings
class RootSettings:
    """The keys at the root of a config."""

    seed: Annotated[int, Field(ge=0, lt=2**62)]
    seeds: Annotated[int, Field(ge=1, le=1_000)]
    steps: PositiveInteger
    num_envs: Annotated[int, Field(ge=1, le=1_000_000)]
    threads: Annotated[int, Field(ge=1, le=1_024)] | Literal["auto"]
    compilation_cache: Annotated[str, Field(min_length=1)] | None
    """A folder, `auto` for one in the user's cache directory, or None for no cache."""
    fresh: bool
    retry_failed: bool
    objective: Literal["mean", "iqm"]
    freeze: Sequence[str]
    """Patterns of parts or single weights that no update moves."""
    unfreeze_at: PositiveInteger | None
    """Environment steps after which they learn; None for never."""

    def __post_init__(self):
        require(
            self.unfreeze_at is None or bool(self.freeze),
            f"unfreeze_at is {self.unfreeze_at}, but nothing is frozen; name parts in freeze, or leave it null.",
        )


@settings
class RunSettings:
    """How a run begins, and how it is observed and kept."""

    evaluation: EvaluationSettings
    checkpoint: CheckpointSettings
    logging: LoggingSettings
    probe: ProbeSettings
    load: LoadSettings

    def __post_init__(self):
        require(
            self.checkpoint.load is None or self.load.path is None,
            f"checkpoint.load is {self.checkpoint.load} and load.path is {self.load.path}; give one of them.",
        )

    @property
    def load_path(self) -> str | None:
        """The checkpoint or run directory whose weights to start from."""
        return self.load.path or self.checkpoint.load
