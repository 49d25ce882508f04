"""The report's CSV files, and its numbers and lists as text."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rl.reports.statistics import Estimate


class Tables:
    """Collects the rows of CSV files while the sections are written, and writes the files at the end."""

    def __init__(self, folder: Path):
        """folder: where the files go; it must exist when they are written."""
        self._folder, self._rows = folder, {}

    def add(self, name: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Adds rows to <name>.csv.

        rows: {column: value}, all with the same columns. An `Estimate` becomes three columns: its own, and two with
        `_low` and `_high` appended to the name.
        """
        self._rows.setdefault(name, []).extend(map(_spread, rows))

    def write(self) -> None:
        """Writes each file that has a row, with a header."""
        for name, rows in self._rows.items():
            if rows:
                with (self._folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as handle:
                    writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
                    writer.writeheader()
                    writer.writerows(rows)


def _spread(row: Mapping[str, object]) -> dict[str, object]:
    """A row with its estimates spread over three columns each."""
    spread: dict[str, object] = {}
    for key, value in row.items():
        if isinstance(value, Estimate):
            spread |= {key: value.value, f"{key}_low": value.low, f"{key}_high": value.high}
        else:
            spread[key] = value
    return spread


def number(x: float, form: str | None = None) -> str:
    """A number as text with a proper minus sign.

    form: a format specification; by default one decimal for 0 and for magnitudes from 1 to a million, and three
    significant digits otherwise.
    """
    if form is None:
        form = ".1f" if x == 0 or 1 <= abs(x) < 1e6 else ".3g"
    return f"{x:{form}}".replace("-", "\N{MINUS SIGN}")


def shown(estimate: Estimate, form: str | None = None, *, interval_alone: bool = False) -> str:
    """An estimate as text: `value (low to high)`, or the value alone where there is no interval.

    interval_alone: write `low to high` without the value.
    """
    value, *ends = (number(x, form) for x in estimate)
    if math.isnan(estimate.low):
        return value
    return " to ".join(ends) if interval_alone else f"{value} ({' to '.join(ends)})"


def count(number: int, word: str) -> str:
    """A number with its noun: 1 run, 2 runs, 2 directories."""
    many = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{number} {word if number == 1 else many}"


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first `most` names, and the number of the others: `a, b, c and 2 more`."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def ranges(numbers: Iterable[int]) -> str:
    """Whole numbers as sorted ranges: `0 to 4, 7`."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(str(low) if low == high else f"{low} to {high}" for low, high in found)
