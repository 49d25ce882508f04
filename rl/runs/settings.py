"""The settings of a run outside of its parts: root keys of a config, evaluation, checkpoints, logging, probes."""

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
    """Number of greedy episodes per evaluation."""
    every_steps: PositiveInteger
    """Environment steps between evaluations; there is always one at the end."""
    max_steps: PositiveInteger
    """Environment steps after which an episode is cut."""
    videos: Annotated[int, Field(ge=0, le=1_000)]
    """Number of greedy episodes recorded as MP4 at the end."""

    def __post_init__(self):
        require(
            self.videos == 0 or importlib.util.find_spec("imageio") is not None,
            "videos need the extra `video`: pip install 'tapestry-rl[video]' (evaluation.videos).",
        )


@settings
class CheckpointSettings:
    """Which checkpoints a run keeps."""

    every_steps: PositiveInteger
    """Environment steps between checkpoints."""
    keep: PositiveInteger
    """Number of newest checkpoints to keep, besides the best."""
    load: str | None
    """A checkpoint file or run directory to take weights and statistics from: `load.path` with all parts."""
    replay: bool
    """Whether the memory of agents that have one is saved beside the newest checkpoint."""


@settings
class LoggingSettings:
    """How often a run logs to TensorBoard, and whether it shows its progress."""

    every_steps: PositiveInteger
    """Environment steps between points in TensorBoard."""
    progress: bool
    """Whether to draw a progress bar on a terminal."""


@settings
class ProbeSettings:
    """What is measured on the rows, and how often."""

    every_steps: PositiveInteger
    """Environment steps between probed iterations."""
    every_iterations: PositiveInteger
    """Minimum number of iterations between probed iterations."""
    histograms_every_steps: PositiveInteger
    """Environment steps between sets of histograms."""
    names: Sequence[str]
    """Names in `rl.gradients.probes.PROBES`, or dotted names of functions."""
    samples: Annotated[int, Field(ge=2, le=1_000_000)]
    """Maximum number of samples of a minibatch that get rows of their own."""
    oracle: bool
    """Whether rows are compared with the true ones of a finite MDP."""


@settings
class LoadSettings:
    """The weights of another run that a run starts from."""

    path: str | None
    """A checkpoint file or a run directory; None for new weights."""
    parts: Annotated[Sequence[str], Field(min_length=1)]
    """Patterns of the parts or weights to load; `normalizer/observation` names the observation statistics."""


@settings
class RootSettings:
    """The keys at the root of a config."""

    seed: Annotated[int, Field(ge=0, lt=2**62)]
    """The seed of all random numbers, or the first of several."""
    seeds: Annotated[int, Field(ge=1, le=1_000)]
    """Number of seeds trained in one program: `seed`, `seed + 1`, …; more than one requires a compiled environment."""
    steps: PositiveInteger
    """Environment steps per seed, rounded up to whole rollouts."""
    num_envs: Annotated[int, Field(ge=1, le=1_000_000)]
    """Number of environments stepped together, per seed."""
    threads: Annotated[int, Field(ge=1, le=1_024)] | Literal["auto"]
    """CPU threads; `auto` chooses by the size of a minibatch."""
    compilation_cache: Annotated[str, Field(min_length=1)] | None
    """A folder, `auto` for one in the user's cache directory, or None for no cache."""
    extend: Annotated[str, Field(min_length=1)] | None
    """The directory of a complete run that trains on to `steps`; None for a run of its own."""
    fresh: bool
    """Whether to start over in a run directory that already holds this run."""
    retry_failed: bool
    """Whether a sweep trains jobs again that failed earlier."""
    objective: Literal["mean", "iqm"]
    """The statistic of the last evaluation's returns that a sweeper maximises."""
    freeze: Sequence[str]
    """Patterns of parts or single weights that no update changes."""
    unfreeze_at: PositiveInteger | None
    """Environment steps after which frozen weights learn; None for never."""

    def __post_init__(self):
        require(
            self.unfreeze_at is None or bool(self.freeze),
            f"unfreeze_at is {self.unfreeze_at}, but nothing is frozen; name parts in freeze, or leave it null.",
        )


@settings
class RunSettings:
    """How a run begins, and how it is evaluated, saved, logged and probed."""

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
        """The checkpoint or run directory to take weights from; None for new weights."""
        return self.load.path or self.checkpoint.load
