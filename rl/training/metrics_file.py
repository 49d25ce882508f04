"""metrics.csv: every iteration, one row; `step` and then the scalars by their TensorBoard tags."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np


class MetricsFile:
    """Appends rows to a CSV file whose columns are fixed by its first use; what was not measured is left empty."""

    def __init__(self, path: Path):
        self._path = path
        self._columns: list[str] | None = None

    def append(self, steps: Sequence[int], metrics: dict[str, np.ndarray]) -> None:
        """Rows for the given environment steps; metrics are {tag: one number a row}, NaN where not measured."""
        if self._columns is None:
            self._columns = self._header() or self._start(list(metrics))
        columns = [metrics[tag] for tag in self._columns]
        lines = []
        for row, step in enumerate(steps):
            lines.append(",".join([str(step), *(_text(column[row]) for column in columns)]))
        with self._path.open("a") as handle:
            handle.write("\n".join(lines) + "\n")

    def drop_after(self, step: int) -> None:
        """Removes the rows beyond an environment step, and a last line that was not finished."""
        if not self._path.exists():
            return
        lines = self._path.read_text().splitlines(keepends=True)
        kept = lines[:1] + [line for line in lines[1:] if line.endswith("\n") and int(line.split(",", 1)[0]) <= step]
        partial = self._path.with_suffix(".partial")
        partial.write_text("".join(kept))
        partial.replace(self._path)

    def _header(self) -> list[str] | None:
        if not self._path.exists():
            return None
        with self._path.open() as handle:
            return next(csv.reader(handle))[1:]

    def _start(self, tags: list[str]) -> list[str]:
        with self._path.open("w") as handle:
            handle.write(",".join(["step", *tags]) + "\n")
        return tags


def _text(number: float) -> str:
    return "" if np.isnan(number) else f"{number:.9g}"
