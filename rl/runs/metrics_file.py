"""metrics.csv: a row for each iteration, with the environment step and then every scalar by its TensorBoard tag.

    step,episode/return,gradient/norm/policy
    1024,21.3333333,
    2048,24.1,0.0731529

Numbers have nine significant digits, enough to restore a float32; the cell of a tag that was not measured is empty.
Steps increase from row to row.
"""

import math
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rl.errors import ConfigError, DamagedError, StorageError

Row = Mapping[str, float]
"""{tag: number} of one iteration, NaN where the tag was not measured."""


def read_metrics(file: Path) -> dict[str, np.ndarray]:
    """{tag: [K] float64} of the K finished rows, `step` first; NaN where a cell is empty.

    A last line without a line break is still being written, and is left out.
    Raises: DamagedError, naming the line, where a line is not a row; ConfigError where the file cannot be read.
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
    """Appends to one metrics.csv, and drops and rebuilds its rows when a run is resumed.

    The first rows name the columns; tags that appear later are added at the right. The first rows also create the
    file, and later ones never do, so that an append raises if the file was removed during training.

    On resuming, `restore` reads the sound rows into memory, `missing`, `put` and `take` complete and change them
    there, and `keep` writes them back.
    """

    def __init__(self, path: Path):
        """path: the file, which need not exist and is not read here."""
        self._path = path
        self.columns: list[str] | None = None
        """The tags in the order of the columns, without `step`; None before the first rows."""
        self.checksum = 0
        """CRC-32 of the file as written; checkpoints record it, so that changed numbers are found on resuming."""
        self._size: int | None = None
        self._rows: dict[int, str] = {}

    def append(self, steps: Sequence[int], metrics: Mapping[str, Sequence[float]]) -> None:
        """Appends a row for each iteration.

        Args:
            steps: environment steps at the ends of the R iterations; nothing happens if it is empty.
            metrics: {tag: [R]}, NaN where a tag was not measured.
        Raises: OSError where the file cannot be written.
        """
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
        """Flushes the file to disk.

        Raises: StorageError where its size is not that of the rows written; OSError where it cannot be opened.
        """
        if self._size is None:
            return
        with self._path.open("rb") as handle:
            os.fsync(handle.fileno())
            size = os.fstat(handle.fileno()).st_size
        if size != self._size:
            raise StorageError(f"{self._path} was changed by something else: {size:,} bytes instead of {self._size:,}")

    def restore(self, steps: range, columns: Sequence[str] | None) -> None:
        """Reads the sound rows up to a checkpoint into memory; damaged rows and rows of other steps are dropped.

        Args:
            steps: environment steps of the rows up to the checkpoint.
            columns: `columns` as the checkpoint recorded it; None takes the header's.
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
        """The steps for which no sound row was restored or put."""
        return [step for step in steps if step not in self._rows]

    def put(self, step: int, row: Row) -> None:
        """Inserts a rebuilt row among the restored ones.

        step: of the row; row: {tag: number}, in which tags that are not columns are ignored, and missing ones are NaN.
        """
        self._rows[step] = _line(step, [row.get(tag, math.nan) for tag in self.columns])

    def rows(self) -> dict[int, dict[str, float]]:
        """{step: row} of the restored rows, in the order of the steps."""
        parsed = {step: _cells(self._rows[step], len(self.columns)) for step in sorted(self._rows)}
        return {step: dict(zip(self.columns, cells[1:], strict=True)) for step, cells in parsed.items()}

    def kept_rows(self) -> dict[int, dict[str, float]]:
        """{step: row} of the file on disk, in the order of the steps. Raises: DamagedError where a line is damaged."""
        if self.columns is None:
            return {}
        table = read_metrics(self._path)
        steps = table.pop("step").astype(int).tolist()
        return {step: {tag: float(column[row]) for tag, column in table.items()} for row, step in enumerate(steps)}

    def take(self, step: int) -> dict[str, float] | None:
        """Removes the restored row of a step and returns it; None where there is none."""
        row = self.rows().get(step) if step in self._rows else None
        self._rows.pop(step, None)
        return row

    def keep(self) -> None:
        """Replaces the file with the restored rows, sorted by step; removes it where no columns are known."""
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
        """The bytes that `keep` writes: header and restored rows, empty where no columns are known."""
        if self.columns is None:
            return b""
        return ("\n".join([_header(self.columns), *(self._rows[step] for step in sorted(self._rows))]) + "\n").encode()

    def _widen(self, tags: Sequence[str]) -> list[str]:
        """Adds columns, empty in the rows so far: a run that resumes with other probes logs other tags."""
        self.restore(range(1, 2**63), self.columns)
        self.columns += tags
        self._rows = {step: line + "," * len(tags) for step, line in self._rows.items()}
        self.keep()
        return self.columns

    def _write(self, lines: Sequence[str]) -> None:
        """Appends lines; creates the file with the first ones, and never afterwards."""
        data = ("\n".join(lines) + "\n").encode()
        new = self.columns is None
        with open(self._path, "xb" if new else "ab", opener=None if new else _existing) as handle:
            handle.write(data)
        self._size = (self._size or 0) + len(data)
        self.checksum = zlib.crc32(data, self.checksum)


def _existing(path: str, flags: int) -> int:
    """An opener that never creates the file."""
    return os.open(path, flags & ~os.O_CREAT)


def _header(columns: Sequence[str]) -> str:
    """The first line, without its line break."""
    return ",".join(["step", *columns])


def _line(step: int, numbers: Sequence[float]) -> str:
    """A row's line, without its line break; NaN is an empty cell."""
    return ",".join([str(step), *("" if np.isnan(x) else f"{x:.9g}" for x in numbers)])


def _columns(header: str) -> list[str] | None:
    """The tags in a header line; None where it is damaged, or has no tag or one tag twice."""
    first, *columns = header.split(",")
    sound = first == "step" and columns and all(columns) and len(set(columns)) == len(columns)
    return columns if sound and header.isprintable() and "\ufffd" not in header else None


def _cells(line: str, num_columns: int) -> tuple[int, ...] | None:
    """(step, number of each column) of a line; None where it is damaged."""
    first, *cells = line.split(",")
    if len(cells) != num_columns or not (first.isascii() and first.isdigit()):
        return None
    try:
        return int(first), *(float(cell) if cell else math.nan for cell in cells)
    except ValueError:
        return None
