"""The section on one environment: learning curves, scores, comparisons, and who moved the torso."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from reporting import figures, parts, statistics
from reporting.groups import KINDS, Group
from reporting.page import Page
from reporting.tables import Tables, shown

ROWS = {
    "gradient/norm_ratio/value-policy": "value row / policy row",
    "gradient/cosine/policy-value": "cosine",
    "gradient/conflict/policy-value": "conflict (layers)",
    "update/share/policy": "policy's share of the step",
    "update/share/value": "value's share",
    "update/cosine/policy-applied": "−Δw's cosine with the policy's row",
    "update/cosine/value-applied": "with the value's",
}
_DRAWN_ROWS = {
    "gradient/norm_ratio/value-policy": "value row / policy row",
    "gradient/cosine/policy-value": "cosine of policy and value",
    "update/share/value": "value's share of the step",
}


def section(
    page: Page, tables: Tables, task: str, groups: Sequence[Group], kind: str, styles: figures.Styles, folder: Path
) -> None:
    """Writes it. kind: the score that settings are compared by; folder: of the figures."""
    page.heading(task)
    stem = re.sub(r"[^\w.-]+", "_", task)
    scores = {group.name: group.scores(kind) for group in groups if len(group.scores(kind))}
    if not scores:
        page.text("No completed run has a score.")
        return
    curves = {group.name: statistics.curves(group, "episode/return") for group in groups if group.name in scores}
    page.heading("Learning curves", 3)
    figures.curves_figure(curves, styles, "return in training", folder / f"{stem}_curves.png")
    page.figure(folder / f"{stem}_curves.png", f"Learning curves on {task}: mean and interquartile mean")
    page.text("A point is a 25th of the training, as far as all seeds of a setting go; the bands hold point by point.")
    if undrawn := [name for name, numbers in curves.items() if not numbers]:
        page.text(f"Not drawn, as in no part of the training all its seeds ended an episode: {', '.join(undrawn)}.")
    tables.add("curves", _curve_rows(task, curves))
    _final_scores(page, tables, task, groups, kind, styles, folder / f"{stem}_scores.png")
    parts.profile(page, f"on {task}", scores, styles, KINDS[kind], folder / f"{stem}_profile.png")
    lost = {group.name: group.lost(kind) for group in groups}
    parts.improvement(page, tables, task, scores, lost, folder / f"{stem}_improvement.png")
    _gradients(page, tables, task, groups, styles, folder / f"{stem}_gradients.png")


def _final_scores(
    page: Page, tables: Tables, task: str, groups: Sequence[Group], kind: str, styles: figures.Styles, file: Path
) -> None:
    page.heading("Final scores", 3)
    for which, words in KINDS.items():
        scores = {group.name: group.scores(which) for group in groups if len(group.scores(which))}
        rows = [
            {
                "environment": task,
                "setting": name,
                "score": which,
                "seeds": len(values),
                "mean": statistics.estimate(values, statistics.mean),
                "iqm": statistics.estimate(values, statistics.iqm),
                "least": float(values.min()),
                "most": float(values.max()),
            }
            for name, values in scores.items()
        ]
        tables.add("scores", rows)
        page.text(f"{words[0].upper()}{words[1:]}:")
        cells = [
            [row["setting"], str(row["seeds"]), shown(row["mean"]), shown(row["iqm"]), f"{row['least']:.1f}"]
            for row in rows
        ]
        page.table(["setting", "seeds", "mean", "interquartile mean", "worst seed"], cells)
        if which == kind:
            figures.scores_figure(scores, {row["setting"]: row["iqm"] for row in rows}, styles, words, file)
    page.figure(file, f"Final scores on {task}")


def _gradients(
    page: Page, tables: Tables, task: str, groups: Sequence[Group], styles: figures.Styles, file: Path
) -> None:
    known = [group for group in groups if any(np.isfinite(run.typical(tag)) for run in group.runs for tag in ROWS)]
    if not known:
        return
    page.heading("Who moves the torso", 3)
    page.text(
        "Medians over training, then over seeds, with quartiles over seeds. A negative share lowers that objective's "
        "loss, to first order. The figure has medians over each 25th of the training, and their interquartile mean "
        "over seeds."
    )
    rows, shown = [], []
    for group in known:
        row, cells = {"environment": task, "setting": group.name}, [group.name]
        for tag in ROWS:
            values = np.array([run.typical(tag) for run in group.runs])
            values = values[np.isfinite(values)]
            low, middle, high = np.quantile(values, (0.25, 0.5, 0.75)) if len(values) else (np.nan,) * 3
            row |= {tag: float(middle), f"{tag} (lower quartile)": float(low), f"{tag} (upper quartile)": float(high)}
            cells.append(f"{middle:.3g} ({low:.3g} to {high:.3g})" if len(values) else "–")
        rows.append(row)
        shown.append(cells)
    tables.add("gradients", rows)
    page.table(["setting", *ROWS.values()], shown)
    series = {
        group.name: {tag: statistics.curves(group, tag, within=np.nanmedian) for tag in _DRAWN_ROWS} for group in known
    }
    figures.gradients_figure(series, styles, _DRAWN_ROWS, file)
    page.figure(file, f"Norm ratio, cosine and share of the step over training on {task}")


def _curve_rows(task: str, curves: Mapping[str, Mapping[str, np.ndarray]]) -> list[dict[str, object]]:
    return [
        {"environment": task, "setting": name, **{key: float(values[k]) for key, values in numbers.items()}}
        for name, numbers in curves.items()
        for k in range(len(numbers.get("step", ())))
    ]
