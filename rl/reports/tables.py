"""The report's CSV files, and how its numbers are written."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rl.reports.statistics import Estimate


class Tables:
    """CSV files by name; rows come as the sections are written."""

    def __init__(self, folder: Path):
        self._folder, self._rows = folder, {}

    def add(self, name: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Rows of <name>.csv, all with the same keys; an estimate takes three columns."""
        self._rows.setdefault(name, []).extend(map(_spread, rows))

    def write(self) -> None:
        """All files that have a row."""
        for name, rows in self._rows.items():
            if rows:
                with (self._folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as handle:
                    writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
                    writer.writeheader()
                    writer.writerows(rows)


def _spread(row: Mapping[str, object]) -> dict[str, object]:
    spread: dict[str, object] = {}
    for key, value in row.items():
        if isinstance(value, Estimate):
            spread |= {key: value.value, f"{key}_low": value.low, f"{key}_high": value.high}
        else:
            spread[key] = value
    return spread


def number(x: float, form: str | None = None) -> str:
    """A number with as many digits as one reads: one decimal between 1 and a million, else three that count."""
    if form is None:
        form = ".1f" if x == 0 or 1 <= abs(x) < 1e6 else ".3g"
    return f"{x:{form}}".replace("-", "\N{MINUS SIGN}")


def shown(estimate: Estimate, form: str | None = None, *, interval_alone: bool = False) -> str:
    """An estimate and its interval, in words; the number alone where there is none."""
    value, *ends = (number(x, form) for x in estimate)
    if math.isnan(estimate.low):
        return value
    return " to ".join(ends) if interval_alone else f"{value} ({' to '.join(ends)})"


def count(number: int, word: str) -> str:
    """How many, in words: 1 run, 2 runs, 2 directories."""
    many = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{number} {word if number == 1 else many}"


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first few in words, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def ranges(numbers: Iterable[int]) -> str:
    """Whole numbers in words: 0 to 4, 7."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(str(low) if low == high else f"{low} to {high}" for low, high in found)
