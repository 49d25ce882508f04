"""What scripts read off a run's metrics.csv."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rl import reductions

Columns = Mapping[str, np.ndarray]
"""{tag: [K]}, `step` among them, NaN where a cell is empty."""


def read_columns(file: Path) -> dict[str, np.ndarray]:
    """All whole lines of a metrics.csv; a last line that is cut off is left out.

    Raises: ValueError where it is no table of numbers.
    """
    try:
        with file.open(encoding="utf-8", newline="") as handle:
            header, *rows = list(csv.reader(handle)) or [[]]
    except csv.Error as error:
        raise ValueError(f"metrics.csv is no table: {error}") from None
    if "step" not in header:
        raise ValueError(f"the first line of metrics.csv is no list of tags: {','.join(header)[:60]!r}")
    if rows and len(rows[-1]) != len(header):
        del rows[-1]
    table = np.array([[float(cell) if cell else np.nan for cell in row] for row in rows], float)
    return dict(zip(header, table.reshape(-1, len(header)).T, strict=True))


def training_return(columns: Columns, share: float = 0.05) -> float:
    """The mean return of the episodes that ended in the last part of the training; see `rl.reductions.last_return`."""
    return reductions.last_return(columns.get("episode/return", np.zeros(0)), columns.get("episode/count"), share)


def typical(columns: Columns, tag: str) -> float:
    """The median of a tag over training, NaN where it was never measured; see `rl.reductions.typical`."""
    return float(reductions.typical(columns.get(tag, np.full(1, np.nan))))
