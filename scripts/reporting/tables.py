"""The report's CSV files, and how its numbers are written."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from reporting.statistics import Estimate


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


def shown(estimate: Estimate, form: str = ".1f") -> str:
    """An estimate and its interval, in words; the number alone where there is none."""
    if math.isnan(estimate.low):
        return f"{estimate.value:{form}}"
    return f"{estimate.value:{form}} ({estimate.low:{form}} to {estimate.high:{form}})"


def count(number: int, word: str) -> str:
    """How many, in words: 1 run, 2 runs, 2 directories."""
    many = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{number} {word if number == 1 else many}"


def ranges(numbers: Iterable[int]) -> str:
    """Whole numbers in words: 0 to 4, 7."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(str(low) if low == high else f"{low} to {high}" for low, high in found)
