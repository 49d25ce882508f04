"""The part of an environment's section on who moved the torso."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rl.reductions import typical, typical_of_runs
from rl.reports import figures, statistics
from rl.reports.drawing import Styles
from rl.reports.groups import Group
from rl.reports.page import Page
from rl.reports.tables import Tables, number

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


def section(page: Page, tables: Tables, task: str, order: Sequence[Group], chosen: Styles, file: Path) -> None:
    """Writes it, for the settings whose rows were measured, the best first; chosen: those that are drawn."""
    known = [group for group in order if any(np.isfinite(run.typical(tag)) for run in group.runs for tag in ROWS)]
    if not known:
        return
    with page.section("Who moves the torso"):
        page.text(
            "Medians over training, then over seeds; gradients.csv has the quartiles over seeds. A negative share "
            "lowers that objective's loss, to first order."
        )
        rows = [_row(task, group) for group in known]
        tables.add("gradients", rows)
        cells = [
            [group.name, *(_cell(float(row[tag])) for tag in ROWS)] for group, row in zip(known, rows, strict=True)
        ]
        page.table(["setting", *ROWS.values()], cells)
        series = {
            group.name: {tag: statistics.curves(group, tag, median=True) for tag in _DRAWN_ROWS}
            for group in known
            if group.name in chosen
        }
        if series:
            svg = figures.gradients_figure(series, chosen, _DRAWN_ROWS, file)
            page.figure(file, svg, f"Norm ratio, cosine and share of the step over training on {task}")
            page.text("Medians over each 25th of the training, and their interquartile mean over seeds.")


def _row(task: str, group: Group) -> dict[str, object]:
    row: dict[str, object] = {"environment": task, "setting": group.name}
    for tag in ROWS:
        columns = [run.columns[tag] for run in group.runs if tag in run.columns]
        middle = typical_of_runs(columns) if columns else np.nan
        values = np.array([typical(values) for values in columns])
        values = values[np.isfinite(values)]
        low, high = np.quantile(values, (0.25, 0.75)) if len(values) else (np.nan, np.nan)
        row |= {tag: float(middle), f"{tag} (lower quartile)": float(low), f"{tag} (upper quartile)": float(high)}
    return row


def _cell(median: float) -> str:
    return "–" if np.isnan(median) else number(median, ".3g")
