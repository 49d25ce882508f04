"""Runs that differ in the seed alone, together."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from reporting.runs import Run, differing

KINDS = {"training": "return in the last 5 % of training", "evaluation": "greedy evaluation at the end"}
"""The scores of a run."""
_MANY_KEYS = 3


class Group(NamedTuple):
    """The runs of one setting in one environment: the completed ones, one a seed, and what else there is."""

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


class Naming(NamedTuple):
    """How settings are told apart: by these keys, where a value is not the usual one, which goes without saying."""

    keys: tuple[str, ...]
    usual: dict[str, str]

    def name(self, run: Run) -> str:
        """Of a run's setting."""
        parts = [
            f"{key}={run.parts[key]}"
            for key in self.keys
            if run.parts.get(key, self.usual.get(key)) != self.usual.get(key)
        ]
        return ", ".join(parts) or ("as usual" if self.usual else "all runs")


def naming(runs: Sequence[Run]) -> Naming:
    """By all keys that differ; with three or more of them, a value that most settings have is the usual one."""
    keys = tuple(differing(runs))
    if len(keys) < _MANY_KEYS:
        return Naming(keys, {})
    settings = {tuple(run.parts.get(key) for key in keys) for run in runs}
    usual = {}
    for key, values in zip(keys, zip(*settings, strict=True), strict=True):
        value, times = Counter(values).most_common(1)[0]
        if value is not None and None not in values and 2 * times > len(settings):
            usual[key] = value
    return Naming(keys, usual)


def grouped(runs: Sequence[Run], names: Naming) -> dict[str, list[Group]]:
    """{task: its groups}, by what differs between the runs; a seed that any group has is missed in the others.

    A setting that another environment has is a group without runs.
    """
    seeds = sorted({run.seed for run in runs})
    found: dict[str, dict[str, list[Run]]] = {}
    for run in runs:
        found.setdefault(run.task, {}).setdefault(names.name(run), []).append(run)
    every = list(dict.fromkeys(name for of_task in found.values() for name in of_task))
    return {task: [_group(name, task, of.get(name, []), seeds) for name in every] for task, of in found.items()}


def _group(name: str, task: str, members: Sequence[Run], seeds: Sequence[int]) -> Group:
    complete: dict[int, Run] = {}
    doubled = []
    for run in sorted((run for run in members if run.status == "completed"), key=lambda run: (run.seed, run.path)):
        if run.seed in complete:
            doubled.append(run)
        else:
            complete[run.seed] = run
    unfinished = tuple(run for run in members if run.status != "completed")
    missing = tuple(seed for seed in seeds if seed not in complete)
    return Group(name, task, tuple(complete.values()), unfinished, missing, tuple(doubled))
