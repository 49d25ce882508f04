"""The section over all environments: scores on a common scale, and settings compared by them.

A score s becomes (s − low) / (high − low), where low and high are given by the user for the environment, or are the
lowest and the highest score of a run in it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rl.reports import figures, parts, statistics
from rl.reports.drawing import styles
from rl.reports.groups import Group
from rl.reports.page import Page
from rl.reports.ranking import Ranked, ranked
from rl.reports.tables import Tables, count, listed, ranges, shown

Tasks = Mapping[str, Sequence[Group]]
"""{environment: groups of its settings}."""


class Scale(NamedTuple):
    """The scores of an environment that become 0 and 1 on the common scale."""

    low: float
    high: float


def section(page: Page, tables: Tables, tasks: Tasks, kind: str, given: Mapping[str, Scale], folder: Path) -> None:
    """Writes the section; nothing for one environment, and a sentence if no setting can be compared over several.

    Args:
        kind: the score by which settings are compared, one of `KINDS`.
        given: {environment: scale}; other environments use the lowest and the highest score of their runs.
        folder: of the figures.
    """
    if len(tasks) < 2:
        return
    chosen = compared(tasks, kind, given)
    scales = {task: given.get(task) or _found(tasks[task], kind) for task in chosen}
    scores, notes = _scores({task: tasks[task] for task in chosen}, kind, scales)
    if not scores:
        page.text("No setting has a seed that was completed in several environments: none is compared over them.")
        return
    with page.section("All environments together"):
        ends = "; ".join(f"{task} {scale.low:.4g} and {scale.high:.4g}" for task, scale in scales.items())
        page.text(
            f"Scores on a common scale, on which 0 and 1 are {ends}. Without --scale these are the lowest and the "
            "highest score of a run here, so that scores are relative to these runs. In the mean every environment "
            "counts the same; the interquartile mean leaves out the lowest and the highest quarter of all scores, "
            "which may be a whole environment. The intervals resample the seeds of each environment separately."
        )
        if left_out := [task for task in tasks if task not in chosen]:
            page.text(
                f"Left out: {listed(left_out, 8)}, where too few settings have scores that they also have elsewhere, "
                "or all runs score the same."
            )
        page.items(notes, f"{count(len(notes), 'setting')} left out, or without a seed" if notes else "")
        lost = {
            name: sum(group.lost(kind) for task in chosen for group in tasks[task] if group.name == name)
            for name in scores
        }
        _compared(page, tables, ranked(scores, lost, "mean"), lost, folder)


def compared(tasks: Tasks, kind: str, given: Mapping[str, Scale]) -> list[str]:
    """The environments to compare over: of the sets in which a setting has scores, the one that yields most scores.

    Every setting that is compared has a score in each of them. Sets that several settings cover are preferred to those
    that only one covers. Environments without a scale, in which all runs score the same, are left out.
    """
    usable = [task for task, groups in tasks.items() if given.get(task) or _found(groups, kind)]
    known = {name: set() for groups in tasks.values() for name in (group.name for group in groups)}
    for task in usable:
        for group in tasks[task]:
            if len(group.scores(kind)):
                known[group.name].add(task)
    sets = Counter(frozenset(of_setting) for of_setting in known.values() if len(of_setting) > 1)
    counts = {one: sum(times for other, times in sets.items() if one <= other) for one in sets}
    best = max(counts, key=lambda one: (counts[one] > 1, counts[one] * len(one), len(one)), default=frozenset())
    return [task for task in usable if task in best]


def _compared(page: Page, tables: Tables, order: Sequence[Ranked], lost: Mapping[str, int], folder: Path) -> None:
    """Writes table, figures and comparisons of settings over all environments.

    Args:
        order: the settings by their mean, their scores [seeds, environments].
        lost: {setting: number of runs that ended without a score}; folder: of the figures.
    """
    rows = [
        {
            "setting": one.name,
            "seeds": len(one.scores),
            "mean": one.mean,
            "iqm": one.iqm,
            "optimality_gap": statistics.estimate(one.scores, statistics.optimality_gap),
        }
        for one in order
    ]
    tables.add("together", rows)
    columns = ("mean", "iqm", "optimality_gap")
    cells = [
        [one.name, str(len(one.scores)), *(shown(row[key], ".3f") for key in columns), one.verdict]
        for one, row in zip(order, rows, strict=True)
    ]
    header = ["setting", "seeds", "mean", "interquartile mean", "optimality gap", "against the best"]
    page.table(header, cells)
    scores = {one.name: one.scores for one in order}
    chosen = styles(parts.drawn(scores))
    of_seeds = {name: scores[name].mean(1, keepdims=True) for name in chosen}
    label, file = "score on the common scale, a seed's mean over environments", folder / "together_scores.png"
    means = {one.name: one.mean for one in order}
    svg = figures.scores_figure(of_seeds, means, chosen, label, file, statistic="mean")
    page.figure(file, svg, "Final scores over all environments")
    place = "over all environments"
    parts.profile(page, place, scores, chosen, "score on the common scale", folder / "together_profile.png")
    parts.improvement(page, tables, "all", scores, lost, folder / "together_improvement.png")


def _found(groups: Sequence[Group], kind: str) -> Scale | None:
    """The lowest and the highest score of a run; None where they are equal."""
    every = np.concatenate([group.scores(kind).ravel() for group in groups])
    return Scale(float(every.min()), float(every.max())) if len(every) and np.ptp(every) > 0 else None


def _scores(tasks: Tasks, kind: str, scales: Mapping[str, Scale]) -> tuple[dict[str, np.ndarray], list[str]]:
    """The scores of the settings on the common scale, of those seeds that every environment has.

    Args:
        tasks: {environment: its groups}, the ones to compare over; scales: {environment: scale} of these.
    Returns: ({setting: [seeds, environments]}, sentences on the settings and seeds that were left out).
    """
    by_name: dict[str, dict[str, dict[int, float]]] = {}
    for task, groups in tasks.items():
        for group in groups:
            scores = {run.seed: run.score(kind) for run in group.runs if np.isfinite(run.score(kind))}
            by_name.setdefault(group.name, {})[task] = scores
    found, notes = {}, []
    for name, of_tasks in by_name.items():
        seeds = set.intersection(*map(set, of_tasks.values())) if len(of_tasks) == len(tasks) else set()
        if not seeds:
            notes.append(f"{name} is left out: it has no seed that was completed in every environment.")
            continue
        lost = set.union(*map(set, of_tasks.values())) - seeds
        if lost:
            notes.append(f"{name} counts without seeds {ranges(lost)}, which some environment lacks.")
        columns = [
            [(scores[seed] - scales[task].low) / (scales[task].high - scales[task].low) for seed in sorted(seeds)]
            for task, scores in of_tasks.items()
        ]
        found[name] = np.array(columns).T
    return found, notes
