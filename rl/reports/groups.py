"""Groups of runs that differ only in the seed: what a report calls a setting, in one environment."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rl.reports.naming import Naming
from rl.reports.runs import ReportedRun
from rl.runs.reader import LAST_RETURN

KINDS = {"training": LAST_RETURN, "evaluation": "greedy evaluation at the end"}
"""{score by which settings can be compared: its name in words}."""
Setting = tuple[str | None, ...]
"""A run's values of the keys that tell settings apart (`Naming.values`)."""


class Group(NamedTuple):
    """The runs of one setting in one environment.

    name: the setting's; task: the environment. runs: the completed ones, one per seed; unfinished: the others; doubled:
    further completed runs of the same seeds. missing: seeds that this setting has not completed, but that at least half
    of the settings of the same sweep have.
    """

    name: str
    task: str
    runs: tuple[ReportedRun, ...] = ()
    unfinished: tuple[ReportedRun, ...] = ()
    missing: tuple[int, ...] = ()
    doubled: tuple[ReportedRun, ...] = ()

    def scores(self, kind: str) -> np.ndarray:
        """The finite scores of the completed runs, [seeds, 1]; kind: one of `KINDS`."""
        values = [run.score(kind) for run in self.runs]
        return np.array([value for value in values if np.isfinite(value)])[:, None]

    def scoreless(self, kind: str) -> tuple[ReportedRun, ...]:
        """The completed runs whose score is not finite."""
        return tuple(run for run in self.runs if not np.isfinite(run.score(kind)))

    def lost(self, kind: str) -> int:
        """The number of runs that ended without a score: failed, or completed without one.

        If there are any, the runs with a score may be a lucky selection, and no difference counts as supported.
        """
        return len(self.scoreless(kind)) + sum(run.status == "failed" for run in self.unfinished)


def num_runs(groups: Iterable[Group]) -> int:
    """The number of runs that a report covers, without duplicates."""
    return sum(len(group.runs) + len(group.unfinished) for group in groups)


def grouped(runs: Sequence[ReportedRun], names: Naming) -> dict[str, list[Group]]:
    """Groups runs by environment and setting.

    Returns: {environment: its groups}, the environments in the order of the runs, the groups sorted by the values of
        their keys, numbers by size and before texts.
    """
    found: dict[str, dict[Setting, list[ReportedRun]]] = {}
    for run in runs:
        found.setdefault(run.task, {}).setdefault(names.values(run), []).append(run)
    return {task: _groups(task, settings, names) for task, settings in found.items()}


def _groups(task: str, settings: Mapping[Setting, Sequence[ReportedRun]], names: Naming) -> list[Group]:
    """The groups of one environment, sorted."""
    expected = _expected({setting: {run.seed for run in members} for setting, members in settings.items()})
    return [
        _group(names.names[setting], task, settings[setting], expected[setting])
        for setting in sorted(settings, key=_order)
    ]


def _order(setting: Setting) -> list[tuple[int, float, str]]:
    """A sort key: numbers come before texts, and texts are in alphabetical order."""
    return [_sortable(value) for value in setting]


def _sortable(value: str | None) -> tuple[int, float, str]:
    """A sort key of one value: texts that are numbers by size, then the others; a missing key counts as ''."""
    try:
        number = float(value or "")
        return (0, number, "") if not np.isnan(number) else (1, 0.0, "nan")
    except ValueError:
        return (1, 0.0, value or "")


def _expected(seeds: Mapping[Setting, set[int]]) -> dict[Setting, set[int]]:
    """The seeds expected of each setting: its own, and those that at least half of a sweep's settings have.

    A sweep is a set of settings that differ only in the value of one key. seeds: {setting: its seeds}. Returns: the
    same form.
    """
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


def _group(name: str, task: str, members: Sequence[ReportedRun], expected: set[int]) -> Group:
    """Sorts the runs of a setting into a group. Of several completed runs of a seed, the first by path counts.

    expected: the seeds that the setting is expected to have.
    """
    complete: dict[int, ReportedRun] = {}
    doubled = []
    for run in sorted((run for run in members if run.status == "completed"), key=lambda run: (run.seed, run.path)):
        if run.seed in complete:
            doubled.append(run)
        else:
            complete[run.seed] = run
    unfinished = tuple(run for run in members if run.status != "completed")
    missing = tuple(sorted(expected - set(complete)))
    return Group(name, task, tuple(complete.values()), unfinished, missing, tuple(doubled))
