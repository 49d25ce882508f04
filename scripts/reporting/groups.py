"""Runs that differ in the seed alone, together."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from reporting.runs import Run, differing

KINDS = {"training": "return in the last 5 % of training", "evaluation": "greedy evaluation at the end"}
"""The scores of a run."""


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


def grouped(runs: Sequence[Run]) -> dict[str, list[Group]]:
    """{task: its groups}, by what differs between the runs; a seed that any group has is missed in the others.

    A setting that another environment has is a group without runs.
    """
    keys = differing(runs)
    seeds = sorted({run.seed for run in runs})
    found: dict[str, dict[str, list[Run]]] = {}
    for run in runs:
        found.setdefault(run.task, {}).setdefault(_name(run, keys), []).append(run)
    names = list(dict.fromkeys(name for of_task in found.values() for name in of_task))
    return {task: [_group(name, task, of.get(name, []), seeds) for name in names] for task, of in found.items()}


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


def _name(run: Run, keys: Sequence[str]) -> str:
    return ", ".join(f"{key}={run.parts[key]}" for key in keys if key in run.parts) or "all runs"
