"""What scripts read off a run's metrics.csv."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rl import reductions
from rl.runs.metrics_file import read_metrics

Columns = Mapping[str, np.ndarray]
"""{tag: [K]}, `step` among them, NaN where a cell is empty."""


def read_columns(file: Path) -> dict[str, np.ndarray]:
    """All whole lines of a metrics.csv; a last line that is still being written is left out.

    Raises: ConfigError, naming the file and the line, where it cannot be read.
    """
    return read_metrics(file)


def training_return(columns: Columns, share: float = 0.05) -> float:
    """The mean return of the episodes that ended in the last part of the training; see `rl.reductions.last_return`."""
    return reductions.last_return(columns.get("episode/return", np.zeros(0)), columns.get("episode/count"), share)


def typical(columns: Columns, tag: str) -> float:
    """The median of a tag over training, NaN where it was never measured; see `rl.reductions.typical`."""
    return float(reductions.typical(columns.get(tag, np.full(1, np.nan))))
