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
    given: Mapping[str, Scale],
    styles: figures.Styles,
    folder: Path,
) -> None:
    """Writes it, where there is more than one environment.

    Args:
        kind: the score that settings are compared by.
        given: scales of environments whose ends are known; elsewhere they are the lowest and the highest run's score.
        folder: of the figures.
    """
    if len(tasks) < 2:
        return
    page.heading("All environments together")
    scales = {task: given.get(task) or _found(groups, kind) for task, groups in tasks.items()}
    flat = [task for task, scale in scales.items() if scale is None]
    scales = {task: scale for task, scale in scales.items() if scale}
    scores, notes = _scores({task: tasks[task] for task in scales}, kind, scales)
    notes = [
        f"{task} is left out: all runs have the same score there, and --scale says nothing else." for task in flat
    ] + notes
    if scores:
        ends = "; ".join(f"{task} {scale.low:g} and {scale.high:g}" for task, scale in scales.items())
        page.text(
            f"Scores on one scale, on which 0 and 1 are {ends}. Where --scale does not say otherwise, these are the "
            "lowest and the highest run here, so that a score is one among these runs. In the mean each environment "
            "counts the same; the interquartile mean cuts a quarter of all scores off at either end, which may be an "
            "environment. The intervals resample the seeds of each environment by themselves."
        )
    page.items(notes)
    if not scores:
        page.text("No setting has a seed that was completed in every environment.")
        return
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
    label = "score on the common scale, a seed's mean over environments"
    means = {row["setting"]: row["mean"] for row in rows}
    of_seeds = {name: values.mean(1, keepdims=True) for name, values in scores.items()}
    figures.scores_figure(of_seeds, means, styles, label, folder / "together_scores.png", statistic="mean")
    page.figure(folder / "together_scores.png", "Final scores over all environments")
    parts.profile(
        page, "over all environments", scores, styles, "score on the common scale", folder / "together_profile.png"
    )
    lost = {
        name: sum(group.lost(kind) for of in tasks.values() for group in of if group.name == name) for name in scores
    }
    parts.improvement(page, tables, "all", scores, lost, folder / "together_improvement.png")


def _found(groups: Sequence[Group], kind: str) -> Scale | None:
    """The lowest and the highest run's score, None where they are one."""
    every = np.concatenate([group.scores(kind).ravel() for group in groups])
    return Scale(float(every.min()), float(every.max())) if len(every) and np.ptp(every) > 0 else None


def _scores(
    tasks: Mapping[str, Sequence[Group]], kind: str, scales: Mapping[str, Scale]
) -> tuple[dict[str, np.ndarray], list[str]]:
    """{setting: [seeds, environments]} of the seeds that every environment has; what had to be left out, in words."""
    by_name: dict[str, dict[str, dict[int, float]]] = {}
    for task, groups in tasks.items():
        for group in groups:
            scores = {run.seed: run.score(kind) for run in group.runs if np.isfinite(run.score(kind))}
            by_name.setdefault(group.name, {})[task] = scores
    found, notes = {}, []
    for name, of_tasks in by_name.items():
        seeds = set.intersection(*map(set, of_tasks.values()))
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
