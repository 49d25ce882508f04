"""metrics.csv: every iteration, one row; `step` and then the scalars by their TensorBoard tags."""

import math
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rl.errors import ConfigError, DamagedError, StorageError

Row = Mapping[str, float]
"""{tag: number}, NaN where it was not measured."""


def read_metrics(file: Path) -> dict[str, np.ndarray]:
    """{column: [K]} of every finished row, `step` among them; NaN where a cell is empty.

    A last line without an end is still being written, and left out.
    Raises: DamagedError, naming the line; ConfigError where the file is missing or cannot be read.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise DamagedError(f"{file} is damaged: it is not text.") from None
    header, *lines = text.split("\n")[:-1] or [""]
    columns = _columns(header)
    if columns is None:
        raise DamagedError(f"{file} is damaged: its first line does not name the columns, `step` first.")
    rows, last = [], -1
    for number, line in enumerate(lines, start=2):
        cells = _cells(line, len(columns))
        if cells is None or cells[0] <= last:
            raise DamagedError(
                f"{file} is damaged at line {number}: {line[:60]!r} is not a row of {1 + len(columns)} numbers that "
                f"goes on from step {max(last, 0)}."
            )
        rows.append(cells)
        last = cells[0]
    table = np.array(rows, float).reshape(-1, 1 + len(columns))
    return dict(zip(("step", *columns), table.T, strict=True))


class MetricsFile:
    """Appends rows to a CSV file whose columns are fixed by its first use; what was not measured is left empty.

    The file is made by the first rows and never again: were it removed during training, an append would raise.
    """

    def __init__(self, path: Path):
        self._path = path
        self.columns: list[str] | None = None
        """The tags, once they are known."""
        self.checksum = 0
        """CRC-32 of all that was written."""
        self._size: int | None = None
        self._rows: dict[int, str] = {}

    def append(self, steps: Sequence[int], metrics: Mapping[str, Sequence[float]]) -> None:
        """Rows for the given environment steps; metrics are {tag: one number a row}, NaN where not measured."""
        if not steps:
            return
        columns = self.columns if self.columns is not None else list(metrics)
        if new := [tag for tag in metrics if tag not in columns]:
            columns = self._widen(new)
        unknown = np.full(len(steps), np.nan)
        lines = [_line(step, [metrics.get(tag, unknown)[row] for tag in columns]) for row, step in enumerate(steps)]
        self._write(lines if self.columns is not None else [_header(columns), *lines])
        self.columns = columns

    def sync(self) -> None:
        """To the disk; StorageError where the file there is not what was written."""
        if self._size is None:
            return
        with self._path.open("rb") as handle:
            os.fsync(handle.fileno())
            size = os.fstat(handle.fileno()).st_size
        if size != self._size:
            raise StorageError(f"{self._path} was changed by something else: {size:,} bytes instead of {self._size:,}")

    def restore(self, steps: range, columns: Sequence[str] | None) -> None:
        """Finds the sound rows of the steps that a checkpoint vouches for; `keep` then writes them.

        Args:
            steps: all those that must be there.
            columns: as `columns` was at the checkpoint; None where it does not say.
        """
        try:
            text = self._path.read_bytes().decode("utf-8", errors="replace")
        except FileNotFoundError:
            text = ""
        header, *lines = text.split("\n")[:-1] or [""]
        self.columns = list(columns) if columns is not None else _columns(header)
        self._rows = {}
        for line in lines if self.columns is not None else ():
            cells = _cells(line, len(self.columns))
            if cells is not None and cells[0] in steps:
                self._rows[cells[0]] = line

    def missing(self, steps: range) -> list[int]:
        """The steps without a sound row."""
        return [step for step in steps if step not in self._rows]

    def put(self, step: int, row: Row) -> None:
        """A row that was rebuilt, in the place of a missing one."""
        self._rows[step] = _line(step, [row.get(tag, math.nan) for tag in self.columns])

    def rows(self) -> dict[int, dict[str, float]]:
        """{step: row} of what was restored, in order."""
        parsed = {step: _cells(self._rows[step], len(self.columns)) for step in sorted(self._rows)}
        return {step: dict(zip(self.columns, cells[1:], strict=True)) for step, cells in parsed.items()}

    def kept_rows(self) -> dict[int, dict[str, float]]:
        """{step: row} of what the file holds now."""
        if self.columns is None:
            return {}
        table = read_metrics(self._path)
        steps = table.pop("step").astype(int).tolist()
        return {step: {tag: float(column[row]) for tag, column in table.items()} for row, step in enumerate(steps)}

    def take(self, step: int) -> dict[str, float] | None:
        """A restored row, which is taken out; None where there is none."""
        row = self.rows().get(step) if step in self._rows else None
        self._rows.pop(step, None)
        return row

    def keep(self) -> None:
        """Leaves the restored rows in the file, in order, and nothing else."""
        data, self._rows = self.restored(), {}
        self.checksum = zlib.crc32(data)
        if self.columns is None:
            self._path.unlink(missing_ok=True)
            return
        self._size = len(data)
        if not (self._path.exists() and self._path.read_bytes() == data):
            partial = self._path.with_suffix(".partial")
            partial.write_bytes(data)
            partial.replace(self._path)

    def restored(self) -> bytes:
        """The contents that `keep` gives the file."""
        if self.columns is None:
            return b""
        return ("\n".join([_header(self.columns), *(self._rows[step] for step in sorted(self._rows))]) + "\n").encode()

    def _widen(self, tags: Sequence[str]) -> list[str]:
        """Adds columns, empty so far: a run that goes on with other probes logs other tags."""
        self.restore(range(1, 2**63), self.columns)
        self.columns += tags
        self._rows = {step: line + "," * len(tags) for step, line in self._rows.items()}
        self.keep()
        return self.columns

    def _write(self, lines: Sequence[str]) -> None:
        data = ("\n".join(lines) + "\n").encode()
        new = self.columns is None
        with open(self._path, "xb" if new else "ab", opener=None if new else _existing) as handle:
            handle.write(data)
        self._size = (self._size or 0) + len(data)
        self.checksum = zlib.crc32(data, self.checksum)


def _existing(path: str, flags: int) -> int:
    return os.open(path, flags & ~os.O_CREAT)


def _header(columns: Sequence[str]) -> str:
    return ",".join(["step", *columns])


def _line(step: int, numbers: Sequence[float]) -> str:
    return ",".join([str(step), *("" if np.isnan(x) else f"{x:.9g}" for x in numbers)])


def _columns(header: str) -> list[str] | None:
    """The tags in a first line; None where it is damaged."""
    first, *columns = header.split(",")
    sound = first == "step" and columns and all(columns) and len(set(columns)) == len(columns)
    return columns if sound and header.isprintable() and "\ufffd" not in header else None


def _cells(line: str, num_columns: int) -> tuple[int, ...] | None:
    """The step and the numbers of a line; None where it is damaged."""
    first, *cells = line.split(",")
    if len(cells) != num_columns or not (first.isascii() and first.isdigit()):
        return None
    try:
        return int(first), *(float(cell) if cell else math.nan for cell in cells)
    except ValueError:
        return None
