"""Runs that differ in the seed alone, together."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from reporting.runs import Run, differing

KINDS = {"training": "return in the last 5 % of training", "evaluation": "greedy evaluation at the end"}
"""The scores of a run."""


class Group(NamedTuple):
    """The runs of one setting in one environment: the completed ones, and what is to be said of the others."""

    name: str
    task: str
    runs: tuple[Run, ...]
    unfinished: tuple[Run, ...]
    missing: tuple[int, ...]
    doubled: tuple[int, ...] = ()

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of the completed runs."""
        return tuple(run.seed for run in self.runs)

    def scores(self, kind: str) -> np.ndarray:
        """[seeds, 1] of one of `KINDS`; runs without a number are left out."""
        values = [run.score(kind) for run in self.runs]
        return np.array([value for value in values if np.isfinite(value)])[:, None]


def grouped(runs: Sequence[Run]) -> dict[str, list[Group]]:
    """{task: its groups}, by what differs between the runs; a seed that any group has is missed in the others."""
    keys = differing(runs)
    seeds = sorted({run.seed for run in runs})
    found: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        found.setdefault((run.task, _name(run, keys)), []).append(run)
    tasks: dict[str, list[Group]] = {}
    for (task, name), members in found.items():
        complete = sorted((run for run in members if run.status == "completed"), key=lambda run: run.seed)
        rest = tuple(run for run in members if run.status != "completed")
        have = [run.seed for run in complete]
        doubled = tuple(sorted({seed for seed in have if have.count(seed) > 1}))
        missing = tuple(seed for seed in seeds if seed not in have)
        tasks.setdefault(task, []).append(Group(name, task, tuple(complete), rest, missing, doubled))
    return tasks


def _name(run: Run, keys: Sequence[str]) -> str:
    return ", ".join(f"{key}={run.parts[key]}" for key in keys if key in run.parts) or "all runs"
