"""Loggers: where a run's scalars go, besides its checkpoints and its summary.

A config chooses them by name (`logger=[tensorboard, csv, wandb]`). `csv` gets every iteration; all others get points,
each of which combines the iterations of `logging.every_steps` steps. A logger of one's own is a class with the methods
of `Logger`, named by `_target_` under a name of its own: `+logger.mine._target_=package.Mine`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from rl.runs.metrics_file import MetricsFile
from rl.tensorboard.writer import Writer


class Session(NamedTuple):
    """What a logger is told when training begins, resumes, or goes on after an extension."""

    directory: Path
    """The run directory."""
    folder: Path
    """`loggers/<name>` in the run directory, for files of the logger's own; it exists for loggers elsewhere."""
    id: str
    """16 hexadecimal digits, the same in every session of the run; "" for `tensorboard` and `csv`."""
    settings: Mapping[str, bool | float | str]
    """{config key: value}."""
    config_text: str
    """The config as YAML."""
    step: int
    """Environment steps done before this session; 0 for a new run."""
    described: bool
    """Whether an earlier session recorded the settings, and they have not changed since."""

    @property
    def name(self) -> str:
        """`<experiment>/<job>`, the last two folders of the run directory."""
        return "/".join(self.directory.parts[-2:])


class Logger(Protocol):
    """Records a run somewhere. An object serves one run and one session."""

    def start(self, session: Session) -> None:
        """Begins a session, before the first iteration; an exception refuses the run."""

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Records a point; each step comes once in the run's life, in increasing order.

        Args: step: environment steps; scalars: {tag: value}, finite or infinite, never NaN.
        """

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Ends a session that completed, was interrupted or failed; summary: the content of summary.json."""


class TensorBoard:
    """Event files in the run directory. The log also writes Gramians, histograms and the layout through `writer`."""

    def __init__(self):
        self.writer: Writer | None = None
        """The newest event file; None before `start`."""

    def start(self, session: Session) -> None:
        """Opens an event file, and writes the settings unless an earlier one has them."""
        self.writer = Writer(session.directory)
        if not session.described:
            self.writer.begin(session.config_text, session.settings)

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Writes a point as one record."""
        self.writer.scalars(scalars, step)

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Marks the run as completed or failed in the HParams tab."""
        self.writer.end(summary["status"], summary["steps"])


class Csv:
    """metrics.csv in the run directory: a row for every iteration, which the log repairs when the run resumes."""

    def __init__(self):
        self.file: MetricsFile | None = None
        """The file; None before `open`."""

    def open(self, path: Path) -> MetricsFile:
        """The file at a path, which need not exist."""
        self.file = MetricsFile(path)
        return self.file

    def start(self, session: Session) -> None:
        """Does nothing: the first rows create the file."""

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Appends a row; those of many iterations at once are appended to `file`."""
        self.file.append([step], {tag: [number] for tag, number in scalars.items()})

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Does nothing: every row is on its way to the disk when it is written."""


def usual_loggers() -> dict[str, Logger]:
    """{name: logger} of a run that chooses none: `tensorboard` and `csv`."""
    return {"tensorboard": TensorBoard(), "csv": Csv()}
