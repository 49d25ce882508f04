"""Runs side by side: what they reached, and what the rows did meanwhile, from their metrics.csv and summary.json."""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape

from rl.commands.inspection.printing import Column, show
from rl.reports.run_metrics import Columns, read_columns, training_return, typical

_MEDIANS = {
    "|value| / |policy|": "gradient/norm_ratio/value-policy",
    "cos policy-value": "gradient/cosine/policy-value",
    "layers in conflict": "gradient/conflict/policy-value",
    "share of policy": "update/share/policy",
    "share of value": "update/share/value",
}
"""{heading: tag}; a median over the iterations that were probed."""


def add(commands) -> None:
    """The command and its options."""
    command = commands.add_parser("compare", help="runs side by side", description=__doc__)
    command.add_argument("runs", type=Path, nargs="+", help="run directories")
    command.set_defaults(run_command=compare)


def compare(arguments: argparse.Namespace) -> None:
    """Prints a line a run; those that cannot be read are named, and the others shown."""
    runs, summaries, metrics = _readable(arguments.runs)
    means = [(summary["evaluation"] or {}).get("mean") for summary in summaries]
    greedy = [math.nan if mean is None else mean for mean in means]
    columns = [
        Column("run", [escape(run.resolve().name) for run in runs], is_name=True),
        Column("steps", [f"{_steps(of_run):,}" for of_run in metrics], 2),
        Column("greedy return", [_shown(mean, ".1f") for mean in greedy], 1),
        Column("return, last 5\N{NO-BREAK SPACE}%", [_shown(training_return(of_run), ".1f") for of_run in metrics], 0),
    ]
    for rank, (heading, tag) in enumerate(_MEDIANS.items(), 3):
        columns.append(Column(heading, [_shown(typical(of_run, tag), ".3g") for of_run in metrics], rank))
    rest = "They are medians over metrics.csv in each run directory."
    show("medians over training; returns as far as the runs have come", columns, rest)


def _readable(runs: Sequence[Path]) -> tuple[list[Path], list[dict[str, Any]], list[Columns]]:
    """Runs that can be read, with summaries and metrics; ConfigError where there is none."""
    from rl.errors import ConfigError

    found, refused = [], []
    for run in runs:
        try:
            found.append((run, *_read(run)))
        except ConfigError as error:
            refused.append(str(error))
    if not found:
        raise ConfigError("\n".join(refused))
    for why in refused:
        print(f"left out: {why}", file=sys.stderr)
    return tuple(map(list, zip(*found, strict=True)))


def _steps(metrics: Columns) -> int:
    """How far the log has come: a summary says so only at the end of a run."""
    return int(metrics["step"][-1]) if len(metrics["step"]) else 0


def _read(run: Path) -> tuple[dict[str, Any], Columns]:
    """A run's summary and its metrics; ConfigError where they cannot be read."""
    from rl.errors import ConfigError, require
    from rl.runs.summary_file import read_summary

    files = run / "summary.json", run / "metrics.csv"
    require(all(file.exists() for file in files), f"{run} is not a run directory, or has logged nothing yet.")
    try:
        return read_summary(files[0]), read_columns(files[1])
    except ConfigError:
        raise
    except (OSError, ValueError) as error:
        raise ConfigError(f"{run} cannot be read: {error}.") from None


def _shown(number: float, form: str) -> str:
    return "–" if math.isnan(number) else format(number, form)
