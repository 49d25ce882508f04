"""A fault campaign: cases of several kinds are tried one after another, and their results appended to a file.

A case whose result is in the file is not tried again, so that the same command resumes an interrupted campaign.
"""

import json
import random
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol


class Setting(NamedTuple):
    """The setting of a campaign.

    Args:
        folder: of the cases' work.
        seed: of the cases and of their moments.
        short: whether only a few cases of each kind are tried.
    """

    folder: Path
    seed: int
    short: bool

    def chance(self, *of: object) -> random.Random:
        """A random generator for a purpose, the same in every campaign with this seed."""
        return random.Random(repr((self.seed, *of)))

    def sample(self, cases: Sequence, count: int, *of: object) -> list:
        """A random sample of `count` cases, in their order; all where there are fewer."""
        chosen = self.chance(*of).sample(range(len(cases)), min(count, len(cases)))
        return [cases[place] for place in sorted(chosen)]


class Kind(Protocol):
    """A kind of fault, made from a Setting. What all its cases share is made when the first one is tried."""

    labels: list[str]
    """A description of each case, in the order of the case numbers."""

    def fault(self, number: int) -> str | None:
        """Tries a case; returns what was lost, duplicated or not reported, in words, and None where nothing was."""

    def close(self) -> None:
        """Closes what the cases share."""


class Result(NamedTuple):
    """The result of a case; `fault` is None where it survived."""

    kind: str
    case: int
    label: str
    seed: int
    fault: str | None
    seconds: float


class Results:
    """Results in a file of JSON lines; an incomplete line is ignored."""

    def __init__(self, file: Path):
        self._file = file
        self.known: dict[tuple, Result] = {}
        for line in file.read_text().splitlines() if file.exists() else ():
            try:
                self._take(Result(**json.loads(line)))
            except (ValueError, TypeError):
                continue

    def add(self, result: Result) -> None:
        """Appends a result, which replaces an earlier one of the same case."""
        whole = not self._file.exists() or self._file.read_bytes()[-1:] in (b"", b"\n")
        with self._file.open("a") as handle:
            handle.write(("" if whole else "\n") + json.dumps(result._asdict()) + "\n")
        self._take(result)

    def _take(self, result: Result) -> None:
        self.known[result.kind, result.seed, result.case, result.label] = result


def run(
    kinds: dict[str, Callable[[Setting], Kind]],
    setting: Setting,
    results: Results,
    *,
    case: int | None = None,
    say: Callable[[str], None],
) -> list[Result]:
    """Tries all cases of the kinds whose results are not known; returns the results of all.

    Args:
        kinds: {name: constructor}.
        case: try only the case with this number, also where its result is known.
        say: is called with a line for every tried case.
    """
    found = []
    for name, make in kinds.items():
        kind = make(setting._replace(folder=setting.folder / name))
        try:
            for number in _order(len(kind.labels), setting.chance(name)) if case is None else [case]:
                label = kind.labels[number]
                known = results.known.get((name, setting.seed, number, label)) if case is None else None
                if known is None:
                    known = _tried(kind, name, number, setting.seed)
                    results.add(known)
                    say(f"{name} {number} of {len(kind.labels)}, {label}: {known.fault or 'survived'}")
                found.append(known)
        finally:
            kind.close()
    return found


def _order(count: int, chance: random.Random) -> list[int]:
    """The case numbers, shuffled, so that an interrupted campaign has tried cases of every sort."""
    return chance.sample(range(count), count)


def _tried(kind: Kind, name: str, number: int, seed: int) -> Result:
    """Tries a case; an exception of the check itself is a result, too."""
    began = time.monotonic()
    try:
        fault = kind.fault(number)
    except Exception as error:
        fault = f"the check itself fails: {type(error).__name__}: {error}"
    return Result(name, number, kind.labels[number], seed, fault, round(time.monotonic() - began, 2))


def table(results: Iterable[Result], command: str) -> str:
    """The table: a line a kind, then every case that did not survive, with the command that repeats it."""
    results = list(results)
    lines = [f"{'kind':<18}{'tried':>7}{'survived':>10}{'seconds':>9}"]
    for name in dict.fromkeys(result.kind for result in results):
        mine = [result for result in results if result.kind == name]
        survived = sum(result.fault is None for result in mine)
        lines.append(f"{name:<18}{len(mine):>7}{survived:>10}{sum(result.seconds for result in mine):>9.0f}")
    for result in results:
        if result.fault is not None:
            lines.append(f"\n{result.kind} {result.case}, {result.label}: {result.fault}")
            lines.append(f"    {command} --only {result.kind} --case {result.case}")
    return "\n".join(lines)
