"""The part of an environment's section on the rows: which objective moved the torso, and whether they agreed.

It shows the measures of `rl.reports.objectives`: a table with one line per setting, gradients.csv with the same
numbers and their quartiles over seeds, and a figure over training.
"""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rl.reductions import typical, typical_of_runs
from rl.reports import figures, statistics
from rl.reports.drawing import Styles
from rl.reports.groups import Group
from rl.reports.objectives import Measure
from rl.reports.page import Page
from rl.reports.tables import Tables, number

_WIDEST = 16  # columns of numbers that a page has room for
_MOST_PAIRS = 4  # in the figure, one row of panels each; the table has all


def section(
    page: Page,
    tables: Tables,
    task: str,
    order: Sequence[Group],
    measures: Sequence[Measure],
    chosen: Styles,
    file: Path,
) -> None:
    """Writes the part; nothing if no run measured its rows.

    Args:
        task: the environment.
        order: its settings, the best first.
        measures: those of the whole report; all are columns of gradients.csv. The table on the page has those that a
            run in this environment measured.
        chosen: styles of the settings that the figure draws.
        file: of the figure.
    """
    measures_here = [one for one in measures if any(_is_measured(group, one) for group in order)]
    known = [group for group in order if any(_is_measured(group, one) for one in measures_here)]
    if not known:
        return
    with page.section("Who moves the torso"):
        page.text(
            "Medians over training, then over seeds; gradients.csv has the quartiles over seeds. A negative share "
            "lowers that objective's loss, to first order."
        )
        rows = [row(task, group, measures) for group in known]
        tables.add("gradients", rows)
        numbers = [[_cell(float(of_group[one.tag])) for one in measures_here] for of_group in rows]
        settings, titles = [group.name for group in known], headings(measures_here)
        if len(titles) > _WIDEST >= len(settings):  # with many objectives, a line per measure
            page.table(["measure", *settings], [list(line) for line in zip(titles, *numbers, strict=True)])
        else:
            page.table(["setting", *titles], [[name, *line] for name, line in zip(settings, numbers, strict=True)])
        _figure(page, task, [group for group in known if group.name in chosen], panels(measures_here), chosen, file)
        pairs = {one.objectives for one in measures_here if one.kind in ("ratio", "cosine")}
        if len(pairs) > _MOST_PAIRS:
            page.text(f"The figure draws {_MOST_PAIRS} of {len(pairs)} pairs of objectives; the table has all.")


def row(task: str, group: Group, measures: Sequence[Measure]) -> dict[str, object]:
    """A setting's line of gradients.csv.

    For each measure's tag it has the median over seeds of the medians over training, and under the tag with `(lower
    quartile)` and `(upper quartile)` the quartiles over seeds; NaN where no seed has a finite number.
    """
    found: dict[str, object] = {"environment": task, "setting": group.name}
    for tag in (one.tag for one in measures):
        columns = [run.metrics.columns[tag] for run in group.runs if tag in run.metrics.columns]
        middle = typical_of_runs(columns) if columns else np.nan
        values = np.array([typical(values) for values in columns])
        values = values[np.isfinite(values)]
        low, high = np.quantile(values, (0.25, 0.75)) if len(values) else (np.nan, np.nan)
        found |= {tag: float(middle), f"{tag} (lower quartile)": float(low), f"{tag} (upper quartile)": float(high)}
    return found


def headings(measures: Sequence[Measure]) -> list[str]:
    """Headings of the table's columns, one for each measure.

    A cosine or a conflict names its pair only if there are several; among shares, and among cosines with the step, only
    the first heading is written in full.
    """
    found = []
    for place, (kind, names, _) in enumerate(measures):
        is_alone = sum(one.kind == kind for one in measures) == 1
        is_first = all(one.kind != kind for one in measures[:place])
        a, b = names[0], names[-1]
        found.append(
            {
                "ratio": f"{b} row / {a} row",
                "cosine": "cosine" if is_alone else f"cosine of {a} and {b}",
                "conflict": "conflict (layers)" if is_alone else f"conflict of {a} and {b} (layers)",
                "share": f"{a}'s share of the step" if is_first else f"{a}'s share",
                "step_cosine": f"−Δw's cosine with the {a}'s row" if is_first else f"with the {a}'s",
            }[kind]
        )
    return found


def panels(measures: Sequence[Measure]) -> list[list[Measure]]:
    """The measures that the figure draws: one row of panels per pair of objectives.

    Returns: [pair][panel], norm ratio, cosine, and the second objective's share of the step unless a row above has it.
        At most four pairs, those with a ratio first.
    """
    pairs = list(dict.fromkeys(one.objectives for one in measures if one.kind in ("ratio", "cosine")))[:_MOST_PAIRS]
    drawn = set()
    found = []
    for pair in pairs:
        of_pair = [one for one in measures if one.kind in ("ratio", "cosine") and one.objectives == pair]
        of_pair += [one for one in measures if one.kind == "share" and one.objectives == pair[1:] and one not in drawn]
        drawn |= set(of_pair)
        found.append(of_pair)
    return found


def _figure(
    page: Page, task: str, groups: Sequence[Group], shown: Sequence[Sequence[Measure]], chosen: Styles, file: Path
) -> None:
    """Draws the measures [pair][panel] of the groups over training, if there are any."""
    tags = [one.tag for of_pair in shown for one in of_pair]
    series = {group.name: {tag: statistics.curves(group, tag, median=True) for tag in tags} for group in groups}
    if not series or not tags:
        return
    titled = [[figures.Panel(one.tag, _title(one), one.kind == "ratio") for one in of_pair] for of_pair in shown]
    svg = figures.gradients_figure(series, chosen, titled, file)
    page.figure(file, svg, f"Norm ratio, cosine and share of the step over training on {task}")
    page.text("Medians over each 25th of the training, and their interquartile mean over seeds.")


def _title(measure: Measure) -> str:
    """The title of a measure's panel."""
    a, b = measure.objectives[0], measure.objectives[-1]
    words = {"ratio": f"{b} row / {a} row", "cosine": f"cosine of {a} and {b}", "share": f"{a}'s share of the step"}
    return textwrap.fill(words[measure.kind], 30)


def _is_measured(group: Group, measure: Measure) -> bool:
    """Whether a completed run of the group has a finite number of this measure."""
    return any(np.isfinite(run.metrics.typical(measure.tag)) for run in group.runs)


def _cell(median: float) -> str:
    """A number of the table, with three significant digits; a dash for NaN."""
    return "–" if np.isnan(median) else number(median, ".3g")
