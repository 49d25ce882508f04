"""The section over all environments: scores brought to one scale, and compared as one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from reporting import figures, parts, statistics
from reporting.groups import Group
from reporting.page import Page
from reporting.tables import Tables, ranges, shown


class Scale(NamedTuple):
    """The scores of an environment that become 0 and 1."""

    low: float
    high: float


def section(
    page: Page,
    tables: Tables,
    tasks: Mapping[str, Sequence[Group]],
    kind: str,
    scales: Mapping[str, Scale],
    folder: Path,
) -> None:
    """Writes it, where there is more than one environment and a setting that has been in all.

    Args:
        kind: the score that settings are compared by.
        scales: of environments whose ends are known; elsewhere they are the lowest and the highest run's score.
        folder: of the figures.
    """
    scales = {task: scales.get(task) or _found(groups, kind) for task, groups in tasks.items()}
    scores, notes = _scores(tasks, kind, scales)
    if len(tasks) < 2 or not scores:
        return
    page.heading("All environments together")
    ends = "; ".join(f"{task} {scale.low:g} and {scale.high:g}" for task, scale in scales.items())
    page.text(
        f"Scores of {len(tasks)} environments on one scale, on which 0 and 1 are {ends}. Each counts the same; the "
        "intervals resample the seeds of each environment by themselves."
    )
    if notes:
        page.items(notes)
    rows = [
        {
            "setting": name,
            "seeds": len(values),
            "mean": statistics.estimate(values, statistics.mean),
            "iqm": statistics.estimate(values, statistics.iqm),
            "optimality_gap": statistics.estimate(values, statistics.optimality_gap),
        }
        for name, values in scores.items()
    ]
    tables.add("together", rows)
    columns = ("mean", "iqm", "optimality_gap")
    cells = [[row["setting"], str(row["seeds"]), *(shown(row[key], ".3f") for key in columns)] for row in rows]
    page.table(["setting", "seeds", "mean", "interquartile mean", "optimality gap"], cells)
    label, iqms = "score on the common scale", {row["setting"]: row["iqm"] for row in rows}
    figures.scores_figure(scores, iqms, label, folder / "together_scores.png")
    page.figure(folder / "together_scores.png", "Final scores over all environments")
    parts.profile(page, "over all environments", scores, label, folder / "together_profile.png")
    parts.improvement(page, tables, "all", scores, folder / "together_improvement.png")


def _found(groups: Sequence[Group], kind: str) -> Scale:
    every = np.concatenate([group.scores(kind).ravel() for group in groups])
    low, high = (float(every.min()), float(every.max())) if len(every) else (0.0, 1.0)
    return Scale(low, high if high > low else low + 1.0)


def _scores(
    tasks: Mapping[str, Sequence[Group]], kind: str, scales: Mapping[str, Scale]
) -> tuple[dict[str, np.ndarray], list[str]]:
    """{setting: [seeds, environments]} of the seeds that every environment has; what had to be left out, in words."""
    by_name = {name: [] for groups in tasks.values() for name in (group.name for group in groups)}
    for task, groups in tasks.items():
        for group in groups:
            scores = {run.seed: run.score(kind) for run in group.runs if np.isfinite(run.score(kind))}
            by_name[group.name].append((task, scores))
    found, notes = {}, []
    for name, of_tasks in by_name.items():
        seeds = set.intersection(*(set(scores) for _, scores in of_tasks))
        if len(of_tasks) < len(tasks) or not seeds:
            notes.append(f"{name} is left out: it has no seed that was completed in every environment.")
            continue
        lost = set.union(*(set(scores) for _, scores in of_tasks)) - seeds
        if lost:
            notes.append(f"{name} counts without seeds {ranges(lost)}, which some environment lacks.")
        columns = [
            [(scores[seed] - scales[task].low) / (scales[task].high - scales[task].low) for seed in sorted(seeds)]
            for task, scores in of_tasks
        ]
        found[name] = np.array(columns).T
    return found, notes
