"""Runs side by side: their returns, and measures of their rows, from metrics.csv and summary.json.

The measures are those that at least one of the runs logged, for the leading objective of each group of objectives
(`rl.reports.objectives`); they are medians over training. Runs may still be training.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from rl.commands.inspection.printing import Column, show
from rl.commands.recorded import recorded
from rl.errors import ConfigError, require
from rl.reports.objectives import Measure, leading, measures
from rl.runs.layout import METRICS, SUMMARY
from rl.runs.reader import RecordedRun
from rl.runs.summary_file import greedy_return

_HEADINGS = {
    "ratio": "|{b}| / |{a}|",
    "cosine": "cos {a}-{b}",
    "conflict": "layers in conflict",
    "share": "share of {a}",
}
"""{kind of measure (`rl.reports.objectives.Measure`): heading}, a and b its objectives; other kinds are not shown."""


def add(commands) -> None:
    """Adds the command `compare` with its options to the parser's commands."""
    command = commands.add_parser("compare", help="runs side by side", description=__doc__)
    command.add_argument("runs", type=Path, nargs="+", help="run directories")
    command.set_defaults(run_command=compare)


def compare(arguments: argparse.Namespace) -> None:
    """Prints one line per run; runs that cannot be read are named on standard error.

    The columns are the environment steps in the log, the mean of the last greedy evaluation, the return at the end of
    training so far, and medians of the measures of the rows, with a dash where a run has none.

    Raises: ConfigError where none can be read.
    """
    runs = _readable(arguments.runs)
    greedy = [greedy_return(run.summary) for run in runs]
    last = [run.metrics.last_return() for run in runs]
    columns = [
        Column("run", [escape(run.path.resolve().name) for run in runs], is_name=True),
        Column("steps", [f"{_steps(run):,}" for run in runs], 2),
        Column("greedy return", [_shown(mean, ".1f") for mean in greedy], 1),
        Column("return, last 5\N{NO-BREAK SPACE}%", [_shown(mean, ".1f") for mean in last], 0),
    ]
    found = measures((_leading(run), run.metrics.columns) for run in runs)
    shown = [one for one in found if one.kind in _HEADINGS]
    for rank, one in enumerate(shown, 3):
        medians = [_shown(run.metrics.typical(one.tag), ".3g") for run in runs]
        columns.append(Column(_heading(one, shown), medians, rank))
    rest = "They are medians over metrics.csv in each run directory."
    show("medians over training; returns as far as the runs have come", columns, rest)


def _readable(paths: Sequence[Path]) -> list[RecordedRun]:
    """The runs whose summary and metrics can be read, in their order; names the others on standard error.

    Raises: ConfigError, with the reason for each run, where none can be read.
    """
    found, refused = [], []
    for run in map(RecordedRun, paths):
        try:
            require(not run.missing(SUMMARY, METRICS), f"{run.path} is not a run directory, or has logged nothing yet.")
            _ = run.summary, run.metrics
            found.append(run)
        except ConfigError as error:
            refused.append(str(error))
        except OSError as error:
            refused.append(f"{run.path} cannot be read: {error}.")
    if not found:
        raise ConfigError("\n".join(refused))
    for why in refused:
        print(f"left out: {why}", file=sys.stderr)
    return found


def _leading(run: RecordedRun) -> tuple[str, ...]:
    """The leading objective of each group; without a config, which names the groups, every objective is a group."""
    try:
        settings = recorded(run.path).settings
    except ConfigError:
        settings = {}
    return leading(run.metrics.columns, settings)


def _heading(measure: Measure, shown: Sequence[Measure]) -> str:
    """A column's heading, with the pair at its end where conflicts of several pairs are shown."""
    a, b = measure.objectives[0], measure.objectives[-1]
    several = measure.kind == "conflict" and sum(one.kind == measure.kind for one in shown) > 1
    return _HEADINGS[measure.kind].format(a=a, b=b) + (f" {a}-{b}" if several else "")


def _steps(run: RecordedRun) -> int:
    """Environment steps up to the end of the log; the summary has the final number only after the run."""
    return int(run.metrics.steps[-1]) if len(run.metrics.steps) else 0


def _shown(number: float, form: str) -> str:
    """A number in a format, or a dash for NaN."""
    return "–" if math.isnan(number) else format(number, form)
