"""The section on one environment: scores, learning curves, comparisons, and who moved the torso."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rl.reports import figures, gradients, parts, statistics
from rl.reports.drawing import Styles, styles
from rl.reports.groups import KINDS, Group
from rl.reports.page import Page
from rl.reports.ranking import Ranked, by_score, interval
from rl.reports.tables import Tables, count, listed, number


def section(page: Page, tables: Tables, task: str, groups: Sequence[Group], kind: str, folder: Path) -> None:
    """Writes it. kind: the score that settings are compared by; folder: of the figures."""
    stem = re.sub(r"[^\w.-]+", "_", task)
    order, found = by_score(groups, kind)
    _add_scores(tables, task, groups)
    if not order:
        page.text("No completed run has a score.")
        return
    scores, chosen = {one.name: one.scores for one in found}, styles(parts.drawn([one.name for one in found]))
    _scores(page, order, found, kind)
    shown = {name: scores[name] for name in chosen}
    file = folder / f"{stem}_scores.png"
    svg = figures.scores_figure(shown, {one.name: one.iqm for one in found}, chosen, KINDS[kind], file)
    page.figure(file, svg, f"Final scores on {task}")
    parts.not_drawn(page, scores)
    _curves(page, tables, task, order, chosen, folder / f"{stem}_curves.png")
    gradients.section(page, tables, task, order, chosen, folder / f"{stem}_gradients.png")
    parts.profile(page, f"on {task}", scores, chosen, KINDS[kind], folder / f"{stem}_profile.png")
    lost = {group.name: group.lost(kind) for group in order}
    parts.improvement(page, tables, task, scores, lost, folder / f"{stem}_improvement.png")
    _cost(page, order)


def _scores(page: Page, order: Sequence[Group], found: Sequence[Ranked], kind: str) -> None:
    """The settings by their score, and how each stands against the best."""
    other = next(name for name in KINDS if name != kind)
    header = ["setting", "seeds", "interquartile mean", "95 % interval", "worst seed", "against the best", KINDS[other]]
    rows = []
    for group, one in zip(order, found, strict=True):
        beside, of = group.scores(other), len(group.runs) + len(group.missing)
        seeds = (
            str(len(one.scores))
            if not group.missing
            else f"{len(one.scores)}\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}{of}"
        )
        cells = [group.name, seeds, number(one.iqm.value), interval(one), number(float(one.scores.min())), one.verdict]
        rows.append([*cells, number(statistics.iqm(beside)) if len(beside) else "–"])
    page.text(
        f"By the interquartile mean of the {KINDS[kind]}. Shaded: the best that has seeds enough for an interval, and "
        "what the intervals cannot separate from it. Settings of the same score tie."
    )
    page.table(header, rows, marked=[place for place, one in enumerate(found) if one.may_be_best])
    few = [one.name for one in found if len(one.scores) < statistics.FEWEST_SEEDS]
    if few:
        page.text(
            f"{len(few)} of {count(len(found), 'setting')} {'has' if len(few) == 1 else 'have'} fewer than "
            f"{statistics.FEWEST_SEEDS} seeds, and so no interval: "
            f"{listed(few)}."
        )


def _add_scores(tables: Tables, task: str, groups: Sequence[Group]) -> None:
    for which in KINDS:
        scores = {group.name: group.scores(which) for group in groups if len(group.scores(which))}
        rows = [
            {
                "environment": task,
                "setting": name,
                "score": which,
                "seeds": len(values),
                "mean": statistics.estimate(values, statistics.mean),
                "iqm": statistics.estimate(values, statistics.iqm),
                "min": float(values.min()),
                "max": float(values.max()),
            }
            for name, values in scores.items()
        ]
        tables.add("scores", rows)


def _curves(page: Page, tables: Tables, task: str, order: Sequence[Group], chosen: Styles, file: Path) -> None:
    curves = {group.name: statistics.curves(group, "episode/return") for group in order}
    tables.add("curves", _curve_rows(task, curves))
    with page.section("Learning curves"):
        drawn = {name: curves[name] for name in chosen}
        svg = figures.curves_figure(drawn, chosen, "return in training", file)
        page.figure(file, svg, f"Learning curves on {task}: mean and interquartile mean")
        page.text(
            "A point is a 25th of the training, as far as all seeds of a setting go, and weighs by episodes; where "
            "none ended it is the one before. The bands are pointwise intervals."
        )
        if undrawn := [name for name, numbers in drawn.items() if not numbers]:
            page.text(f"Not drawn, as in no part of the training all its seeds ended an episode: {', '.join(undrawn)}.")


def _curve_rows(task: str, curves: Mapping[str, Mapping[str, np.ndarray]]) -> list[dict[str, object]]:
    return [
        {"environment": task, "setting": name, **{key: float(values[k]) for key, values in numbers.items()}}
        for name, numbers in curves.items()
        for k in range(len(numbers.get("step", ())))
    ]


def _cost(page: Page, order: Sequence[Group]) -> None:
    with page.section("Cost", is_open=False):
        page.text(
            "Means over seeds. Steps a second are those of each run, in training alone; wall time has compilation, "
            "evaluations and logging in it. Runs that trained in one program ran beside one another, and share its "
            "time."
        )
        rows = []
        for group in order:
            rate, wall = (
                np.mean([run.summary[key] for run in group.runs]) for key in ("steps_per_second", "wall_seconds")
            )
            rows.append([group.name, f"{rate:,.0f}", f"{wall:,.0f}"])
        page.table(["setting", "steps/s", "wall seconds"], rows)
