"""Runs that differ in the seed alone, together."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rl.reports.naming import Naming
from rl.reports.runs import Run

KINDS = {"training": "return in the last 5 % of training", "evaluation": "greedy evaluation at the end"}
"""The scores of a run."""
Setting = tuple[str | None, ...]


class Group(NamedTuple):
    """The runs of one setting in one environment: the completed ones, one a seed, and what else there is.

    missing: seeds that at least half of the settings of a sweep have, and this one has not completed; doubled: other
    completed runs of seeds that it has.
    """

    name: str
    task: str
    runs: tuple[Run, ...] = ()
    unfinished: tuple[Run, ...] = ()
    missing: tuple[int, ...] = ()
    doubled: tuple[Run, ...] = ()

    def scores(self, kind: str) -> np.ndarray:
        """[seeds, 1] of one of `KINDS`; runs without a number are left out."""
        values = [run.score(kind) for run in self.runs]
        return np.array([value for value in values if np.isfinite(value)])[:, None]

    def scoreless(self, kind: str) -> tuple[Run, ...]:
        """Completed runs whose score is no finite number."""
        return tuple(run for run in self.runs if not np.isfinite(run.score(kind)))

    def lost(self, kind: str) -> int:
        """How many runs ended without a score, so that those which have one may be the lucky ones."""
        return len(self.scoreless(kind)) + sum(run.status == "failed" for run in self.unfinished)


def num_runs(groups: Iterable[Group]) -> int:
    """How many runs a report is on: duplicates do not count."""
    return sum(len(group.runs) + len(group.unfinished) for group in groups)


def grouped(runs: Sequence[Run], names: Naming) -> dict[str, list[Group]]:
    """{task: its groups} of the settings that there are, in the order of their values, numbers as numbers."""
    found: dict[str, dict[Setting, list[Run]]] = {}
    for run in runs:
        found.setdefault(run.task, {}).setdefault(names.values(run), []).append(run)
    return {task: _groups(task, settings, names) for task, settings in found.items()}


def _groups(task: str, settings: Mapping[Setting, Sequence[Run]], names: Naming) -> list[Group]:
    expected = _expected({setting: {run.seed for run in members} for setting, members in settings.items()})
    return [
        _group(names.names[setting], task, settings[setting], expected[setting])
        for setting in sorted(settings, key=_order)
    ]


def _order(setting: Setting) -> list[tuple[int, float, str]]:
    """Numbers by their size and before texts, which go by the alphabet."""
    return [_sortable(value) for value in setting]


def _sortable(value: str | None) -> tuple[int, float, str]:
    try:
        number = float(value or "")
        return (0, number, "") if not np.isnan(number) else (1, 0.0, "nan")
    except ValueError:
        return (1, 0.0, value or "")


def _expected(seeds: Mapping[Setting, set[int]]) -> dict[Setting, set[int]]:
    """{setting: the seeds that at least half of the settings have that differ from it in no more than one key}."""
    sweeps: dict[tuple[int, Setting], list[Setting]] = defaultdict(list)
    for setting in seeds:
        for place in range(len(setting)):
            sweeps[place, setting[:place] + setting[place + 1 :]].append(setting)
    expected = {setting: set(own) for setting, own in seeds.items()}
    for members in sweeps.values():
        times = Counter(seed for setting in members for seed in seeds[setting])
        common = {seed for seed, number in times.items() if 2 * number >= len(members)}
        for setting in members:
            expected[setting] |= common
    return expected


def _group(name: str, task: str, members: Sequence[Run], expected: set[int]) -> Group:
    complete: dict[int, Run] = {}
    doubled = []
    for run in sorted((run for run in members if run.status == "completed"), key=lambda run: (run.seed, run.path)):
        if run.seed in complete:
            doubled.append(run)
        else:
            complete[run.seed] = run
    unfinished = tuple(run for run in members if run.status != "completed")
    missing = tuple(sorted(expected - set(complete)))
    return Group(name, task, tuple(complete.values()), unfinished, missing, tuple(doubled))
