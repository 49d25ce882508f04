"""The log of a run that is resumed: cut back to its checkpoint, compared with what the checkpoint vouches for, mended.

Rows of metrics.csv and points of TensorBoard are redundant in part: a point is computed from rows, and where it stands
for one iteration alone, it is that row. Gramians and histograms stand in the event files only.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rl.runs.metrics_file import MetricsFile
from rl.tensorboard import event_files
from rl.tensorboard.writer import scalars_summary

_EVALUATION = "evaluation/return"


class Repaired(NamedTuple):
    """The log as it stands at the checkpoint.

    waiting: the last iteration's row, whose evaluation is still to be made; since_point: rows that no point stands for
    yet; counts, tags: of the events; rebuilt, lost: sentences on what was damaged.
    """

    waiting: dict[str, float] | None
    since_point: list[dict[str, float]]
    counts: Counter
    tags: set[str]
    rebuilt: list[str]
    lost: list[str]


class Rates(NamedTuple):
    """steps_per_iteration and total in environment steps, points_every in iterations."""

    steps_per_iteration: int
    points_every: int
    total: int


def repair(
    folder: Path,
    metrics: MetricsFile,
    meta: Mapping[str, Any],
    rates: Rates,
    *,
    combine: Callable[[list[dict[str, float]]], dict[str, float]],
    evaluation_due: bool,
) -> Repaired:
    """Leaves in metrics.csv and in the event files what belongs to a checkpoint, and rebuilds what is missing there.

    Args:
        meta: the checkpoint's.
        combine: the rows of several iterations → the scalars of their point.
        evaluation_due: whether there is an evaluation at the checkpoint's step.
    """
    size, last = rates.steps_per_iteration, meta["steps"]
    waiting, since_point = meta["waiting"], meta["since_log"]
    metrics.restore(range(size, last + (waiting is None), size), meta["columns"])
    if meta["format_version"] == 2 and evaluation_due:
        # Format 2 did not tell that a signal had cut the evaluation off: the row has none.
        waiting = metrics.take(last)
        if waiting is not None and not np.isnan(waiting.get(_EVALUATION, np.nan)):
            metrics.put(last, waiting)
            waiting = None
        if waiting is not None:
            first = (last // size - 1) // rates.points_every * rates.points_every * size
            since_point = [row for step, row in metrics.rows().items() if step > first]
    complete = last if waiting is None else last - size
    steps = range(size, complete + 1, size)
    contents = event_files.keep_until(folder, last, scalars=complete)
    garbled = contents.garbled
    checksum = (meta["logged"] or {}).get("checksum")
    changed = checksum is not None and not metrics.missing(steps) and zlib.crc32(metrics.restored()) != checksum
    rebuilt, lost = _mend_rows(folder, metrics, steps)
    if changed:
        lost.append(f"some numbers in metrics.csv up to step {complete:,} are not those that were written")
    metrics.keep()
    ends = _ends(steps, rates)
    expected = Counter(meta["logged"] if meta["logged"] is not None else {**contents.counts, "scalars": len(ends)})
    if contents.counts["scalars"] != expected["scalars"]:
        event_files.merge(folder, _missing_points(folder, metrics, ends, rates, combine))
        mended = event_files.keep_until(folder, last, scalars=complete)
        if (number := mended.counts["scalars"] - contents.counts["scalars"]) > 0:
            rebuilt.append(
                f"{number} of {expected['scalars']} points in TensorBoard were missing or damaged, and were rebuilt "
                "from metrics.csv"
            )
        contents = mended
    lost += _lost_events(contents.counts, expected, last)
    if meta["logged"] is None and (garbled or "config" not in contents.tags):
        lost.append(f"Gramians and histograms up to step {last:,} are lost, or a part of them")
    return Repaired(waiting, since_point, contents.counts, contents.tags, rebuilt, lost)


def _mend_rows(folder: Path, metrics: MetricsFile, steps: range) -> tuple[list[str], list[str]]:
    missing = metrics.missing(steps)
    if not missing:
        return [], []
    points = event_files.scalars(folder) if metrics.columns is not None else {}
    for step in missing:
        if step in points and (step == steps.start or step - steps.step in points):
            metrics.put(step, points[step])
    gone, total = metrics.missing(steps), len(steps)
    rebuilt, lost = [], []
    if number := len(missing) - len(gone):
        rebuilt.append(
            f"{number} of {total} rows of metrics.csv were missing or damaged, and were rebuilt from the event files"
        )
    if gone:
        lost.append(f"{len(gone)} of {total} rows of metrics.csv up to step {steps[-1]:,} are lost")
    return rebuilt, lost


def _lost_events(counts: Counter, expected: Counter, last: int) -> list[str]:
    names = {"scalars": "points in TensorBoard", "gramians": "Gramians", "histograms": "sets of histograms"}
    gone = {kind: expected[kind] - counts[kind] for kind in names}
    return [
        f"{number} of {expected[kind]} {names[kind]} up to step {last:,} are lost"
        for kind, number in gone.items()
        if number > 0
    ]


def _ends(steps: range, rates: Rates) -> list[int]:
    """The last steps of the iterations that points stand for."""
    every = rates.points_every * rates.steps_per_iteration
    ends = list(range(every, steps.stop, every))
    return [*ends, rates.total] if rates.total in steps and rates.total not in ends else ends


def _missing_points(folder: Path, metrics: MetricsFile, ends: Sequence[int], rates: Rates, combine) -> dict:
    found, rows, more, first = event_files.scalars(folder), metrics.kept_rows(), {}, 0
    for end in ends:
        steps = range(first + rates.steps_per_iteration, end + 1, rates.steps_per_iteration)
        if end not in found and all(step in rows for step in steps):
            more[end] = scalars_summary(combine([rows[step] for step in steps]))
        first = end
    return more
