"""Delivers a run's points to loggers elsewhere, such as Weights & Biases: each point once, across interruptions.

A run that resumes goes back to its checkpoint and repeats what came after it. A logger elsewhere may be unable to drop
points, so the step of the last one is kept in `loggers/<name>/delivered`, and repeated ones are not delivered again. In
a compiled environment they are the same numbers; in Gymnasium's, points after the checkpoint are of the episodes before
the interruption. The step is written before the point: a kill in between loses that point, and doubles none.
"""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rl.errors import ConfigError
from rl.runs.layout import LOGGERS
from rl.runs.loggers import Logger, Session

_DIGITS = 20
"""Length of the file's first line, so that another step replaces it in one write."""


class Delivery:
    """The loggers elsewhere of one run."""

    def __init__(self, directory: Path, loggers: Mapping[str, Logger]):
        """directory: of the run, which need not exist; loggers: {name in the config: logger}, not yet started."""
        self._directory = directory
        self._waiting = dict(loggers)
        self._open: dict[str, tuple[Logger, _Delivered]] = {}
        self.lost: list[str] = []
        """Sentences on loggers that failed during training; they get nothing more."""

    def start(self, config_text: str, settings: Mapping[str, Any], *, step: int, changed: bool) -> None:
        """Starts all loggers.

        Args:
            step: environment steps done before; 0 for a new run.
            changed: whether the settings are others than those of earlier sessions.
        Raises: ConfigError, naming the logger, where one cannot start.
        """
        for name, logger in self._waiting.items():
            folder = self._directory / LOGGERS / name
            folder.mkdir(parents=True, exist_ok=True)
            delivered = _Delivered(folder / "delivered")
            described = delivered.begun and not changed
            session = Session(self._directory, folder, delivered.id, settings, config_text, step, described)
            try:
                logger.start(session)
            except Exception as error:
                raise ConfigError(f"logger.{name} cannot start: {_why(error)} (logger.{name}).") from error
            self._open[name] = logger, delivered

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Delivers a point to all loggers that have not got it yet; scalars: {tag: value}, NaN ones are left out."""
        known = {tag: float(number) for tag, number in scalars.items() if not np.isnan(number)} if self._open else {}
        for name, (logger, delivered) in [*self._open.items()]:
            if delivered.is_new(step):
                try:
                    logger.write(step, known)
                except Exception as error:
                    del self._open[name]
                    self.lost.append(f"the log in {name} ends before step {step:,}: {_why(error)}")

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Ends the session of all loggers."""
        for name, (logger, delivered) in [*self._open.items()]:
            del self._open[name]
            delivered.close()
            try:
                logger.finish(summary)
            except Exception as error:
                self.lost.append(f"the log in {name} has no end: {_why(error)}")


class _Delivered:
    """The file `delivered`: a line with the step of the last point that was delivered, and one with the run's id."""

    def __init__(self, file: Path):
        """Reads the file, or creates it."""
        self.begun = file.exists()
        """Whether there was an earlier session."""
        if not self.begun:
            file.write_text(f"{0:0{_DIGITS}d}\n{secrets.token_hex(8)}\n")
        last, self.id = file.read_text().split()
        self._last = int(last)
        self._handle = file.open("r+b", buffering=0)

    def is_new(self, step: int) -> bool:
        """Whether a point comes after the last one, and then records its step; a kill afterwards keeps it."""
        if step <= self._last:
            return False
        self._last = step
        os.pwrite(self._handle.fileno(), f"{step:0{_DIGITS}d}".encode(), 0)
        return True

    def close(self) -> None:
        """Closes the file."""
        self._handle.close()


def _why(error: Exception) -> str:
    """The first line of an error, or its type."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
