"""The section on one environment: scores, learning curves, rows of the objectives, comparisons, cost.

Tables have every setting that has a score; figures draw the best 12 of them, in the same styles throughout.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rl.reports import figures, gradients, parts, statistics
from rl.reports.drawing import Styles, styles
from rl.reports.groups import KINDS, Group
from rl.reports.objectives import Measure
from rl.reports.page import Page
from rl.reports.ranking import Ranked, by_score, interval
from rl.reports.tables import Tables, count, listed, number


def section(
    page: Page,
    tables: Tables,
    task: str,
    groups: Sequence[Group],
    measures: Sequence[Measure],
    kind: str,
    folder: Path,
) -> None:
    """Writes all parts of the section, or a sentence if no completed run has a score.

    scores.csv and curves.csv have every setting, also those that the figures leave out.

    Args:
        task: the environment, also the stem of the figures' names.
        groups: its settings, in any order.
        measures: the numbers on the objectives' rows that the report shows.
        kind: the score by which settings are compared, one of `KINDS`.
        folder: of the figures.
    """
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
    gradients.section(page, tables, task, order, measures, chosen, folder / f"{stem}_gradients.png")
    parts.profile(page, f"on {task}", scores, chosen, KINDS[kind], folder / f"{stem}_profile.png")
    lost = {group.name: group.lost(kind) for group in order}
    parts.improvement(page, tables, task, scores, lost, folder / f"{stem}_improvement.png")
    _cost(page, order)


def _scores(page: Page, order: Sequence[Group], found: Sequence[Ranked], kind: str) -> None:
    """Writes the table of settings, the best first, with their scores and their comparison with the best.

    Args:
        order, found: the groups and their ranks, in the same order.
        kind: the score by which they are ranked; the last column shows the other one.
    """
    other = next(name for name in KINDS if name != kind)
    header = ["setting", "seeds", "interquartile mean", "95 % interval", "worst seed", "against the best", KINDS[other]]
    rows = []
    for group, one in zip(order, found, strict=True):
        others = group.scores(other)
        lowest = number(float(one.scores.min()))
        cells = [group.name, _seeds(group, one), number(one.iqm.value), interval(one), lowest, one.verdict]
        rows.append([*cells, number(statistics.iqm(others)) if len(others) else "–"])
    page.text(
        f"Sorted by the interquartile mean of the {KINDS[kind]}. Shaded: the best setting with enough seeds for an "
        "interval, and those that the intervals cannot separate from it. Settings with the same score tie."
    )
    page.table(header, rows, marked=[place for place, one in enumerate(found) if one.may_be_best])
    few = [one.name for one in found if len(one.scores) < statistics.FEWEST_SEEDS]
    if few:
        page.text(
            f"{len(few)} of {count(len(found), 'setting')} {'has' if len(few) == 1 else 'have'} fewer than "
            f"{statistics.FEWEST_SEEDS} seeds, and so no interval: {listed(few)}."
        )


def _seeds(group: Group, one: Ranked) -> str:
    """The number of seeds with a score as text; `4 of 5` if the setting lacks expected seeds."""
    if not group.missing:
        return str(len(one.scores))
    return f"{len(one.scores)} of {len(group.runs) + len(group.missing)}".replace(" ", "\N{NO-BREAK SPACE}")


def _add_scores(tables: Tables, task: str, groups: Sequence[Group]) -> None:
    """Adds rows to scores.csv: mean and interquartile mean with intervals, and the range, for both kinds of score."""
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
    """Writes the learning curves: all of them to curves.csv, those of the chosen settings to a figure.

    Args:
        order: the settings, the best first; chosen: styles of those that are drawn; file: of the figure.
    """
    curves = {group.name: statistics.curves(group, "episode/return") for group in order}
    tables.add("curves", _curve_rows(task, curves))
    with page.section("Learning curves"):
        drawn = {name: curves[name] for name in chosen}
        svg = figures.curves_figure(drawn, chosen, "return in training", file)
        page.figure(file, svg, f"Learning curves on {task}: mean and interquartile mean")
        page.text(
            "A point covers a 25th of the training, up to the end of a setting's shortest run, and weighs by episodes; "
            "where no episode ended it repeats the point before. The bands are pointwise intervals."
        )
        if undrawn := [name for name, numbers in drawn.items() if not numbers]:
            names = ", ".join(undrawn)
            page.text(
                f"Not drawn, since there is no part of the training in which every seed ended an episode: {names}."
            )


def _curve_rows(task: str, curves: Mapping[str, statistics.Curve]) -> list[dict[str, object]]:
    """A row of curves.csv for each point of each setting's curve, with the keys of a `statistics.Curve` as columns."""
    return [
        {"environment": task, "setting": name, **{key: float(values[k]) for key, values in numbers.items()}}
        for name, numbers in curves.items()
        for k in range(len(numbers.get("step", ())))
    ]


def _cost(page: Page, order: Sequence[Group]) -> None:
    """Writes a folded table of environment steps per second and wall seconds, means over a setting's completed runs."""
    with page.section("Cost", is_open=False):
        page.text(
            "Means over seeds. Steps per second count each run's training alone; wall time includes compilation, "
            "evaluation and logging. Runs that were trained in one program share its time."
        )
        rows = []
        for group in order:
            rate, wall = (
                np.mean([run.summary[key] for run in group.runs]) for key in ("steps_per_second", "wall_seconds")
            )
            rows.append([group.name, f"{rate:,.0f}", f"{wall:,.0f}"])
        page.table(["setting", "steps/s", "wall seconds"], rows)
