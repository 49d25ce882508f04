"""Repairs the log of a resumed run: drops entries after the checkpoint, verifies the others, rebuilds missing ones.

Rows of metrics.csv and points in TensorBoard are partly redundant: a point is computed from rows, and a point of a
single iteration equals its row. Gramians and histograms are in the event files only.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rl.runs.metrics_file import MetricsFile
from rl.tensorboard import event_files
from rl.tensorboard.series_writer import scalars_summary
from rl.tensorboard.writer import DESCRIPTION

_EVALUATION = "evaluation/return"


class Repaired(NamedTuple):
    """The log at the checkpoint.

    waiting: the last iteration's row while its evaluation is pending. since_point: rows that are not part of a point
    yet. counts: {`scalars`, `gramians` or `histograms`: number of events}. tags: those in the event files. rebuilt,
    lost: sentences on what was damaged.
    """

    waiting: dict[str, float] | None
    since_point: list[dict[str, float]]
    counts: Counter
    tags: set[str]
    rebuilt: list[str]
    lost: list[str]


class Rates(NamedTuple):
    """The rates of a log.

    steps_per_iteration: environment steps. points_every: iterations between points in TensorBoard. total: environment
    steps at the end of training.
    """

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
    extends: bool = False,
) -> Repaired:
    """Keeps in metrics.csv and in the event files what belongs to a checkpoint, and rebuilds what is missing.

    Args:
        folder: the run directory.
        meta: of the checkpoint.
        combine: rows of several iterations → the scalars of their point.
        evaluation_due: whether an evaluation is due at the checkpoint's step.
        extends: whether the run ended at the checkpoint and gets longer. Its config and hyperparameters are dropped,
            and so is a last point that only the end made due, if the checkpoint has its rows (from format 6 on).
    Returns: the log at the checkpoint.
    Raises: OSError where a file cannot be written.
    """
    size, last = rates.steps_per_iteration, meta["steps"]
    waiting, since_point = meta["waiting"], meta["since_log"]
    metrics.restore(range(size, last + (waiting is None), size), meta["columns"])
    if meta["format_version"] == 2 and evaluation_due:
        # Format 2 did not record that a signal had interrupted the evaluation: the row then has none.
        waiting = metrics.take(last)
        if waiting is not None and not np.isnan(waiting.get(_EVALUATION, np.nan)):
            metrics.put(last, waiting)
            waiting = None
        if waiting is not None:
            first = (last // size - 1) // rates.points_every * rates.points_every * size
            since_point = [row for step, row in metrics.rows().items() if step > first]
    complete = last if waiting is None else last - size
    steps = range(size, complete + 1, size)
    points_until, dropped = complete, 0
    if extends:
        event_files.drop(folder, DESCRIPTION)
        every = rates.points_every * size
        if since_point and complete % every:
            points_until, dropped = complete // every * every, 1
    contents = event_files.keep_until(folder, last, scalars=points_until)
    garbled = contents.garbled
    checksum = (meta["logged"] or {}).get("checksum")
    changed = checksum is not None and not metrics.missing(steps) and zlib.crc32(metrics.restored()) != checksum
    rebuilt, lost = _mend_rows(folder, metrics, steps)
    if changed:
        lost.append(f"some numbers in metrics.csv up to step {complete:,} are not those that were written")
    metrics.keep()
    ends = _ends(steps, rates)
    expected = Counter(meta["logged"] if meta["logged"] is not None else {**contents.counts, "scalars": len(ends)})
    expected["scalars"] -= dropped
    if contents.counts["scalars"] != expected["scalars"]:
        event_files.merge(folder, _missing_points(folder, metrics, ends, rates, combine))
        mended = event_files.keep_until(folder, last, scalars=points_until)
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
    """Rebuilds the missing rows that equal a point of a single iteration.

    steps: of all rows that there should be. Returns: sentences on the rows rebuilt, and on those lost.
    """
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
    """A sentence for each kind of event of which fewer exist than expected up to step `last`."""
    names = {"scalars": "points in TensorBoard", "gramians": "Gramians", "histograms": "sets of histograms"}
    gone = {kind: expected[kind] - counts[kind] for kind in names}
    return [
        f"{number} of {expected[kind]} {names[kind]} up to step {last:,} are lost"
        for kind, number in gone.items()
        if number > 0
    ]


def _ends(steps: range, rates: Rates) -> list[int]:
    """The environment steps at which points are due, up to the end of `steps`."""
    every = rates.points_every * rates.steps_per_iteration
    ends = list(range(every, steps.stop, every))
    return [*ends, rates.total] if rates.total in steps and rates.total not in ends else ends


def _missing_points(folder: Path, metrics: MetricsFile, ends: Sequence[int], rates: Rates, combine) -> dict:
    """{environment step: summary} of the missing points all of whose rows exist; ends: the steps of all points."""
    found, rows, more, first = event_files.scalars(folder), metrics.kept_rows(), {}, 0
    for end in ends:
        steps = range(first + rates.steps_per_iteration, end + 1, rates.steps_per_iteration)
        if end not in found and all(step in rows for step in steps):
            more[end] = scalars_summary(combine([rows[step] for step in steps]))
        first = end
    return more
