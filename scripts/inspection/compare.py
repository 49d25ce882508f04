"""Runs side by side: what they reached, and what the rows did meanwhile, from their metrics.csv and summary.json."""

import argparse
import csv
import json
from pathlib import Path

import numpy as np
from rich.table import Table

from inspection.printing import show

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
    """Prints a line a run."""
    from rl.errors import require

    table = Table(title="medians over training; returns as far as the runs have come")
    for heading in ("run", "steps", "greedy return", "return, last 5 %", *_MEDIANS):
        name = heading == "run"
        table.add_column(heading, justify="left" if name else "right", no_wrap=name, overflow="fold")
    for run in arguments.runs:
        files = run / "summary.json", run / "metrics.csv"
        require(all(file.exists() for file in files), f"{run} is not a run directory, or has logged nothing yet.")
        summary = json.loads(files[0].read_text())
        columns = _columns(files[1])
        returns = columns.get("episode/return", np.array([]))
        late = returns[-max(1, len(returns) // 20) :]
        greedy = (summary.get("evaluation") or {}).get("mean")
        table.add_row(
            run.name,
            f"{summary['steps']:,}",
            "–" if greedy is None else f"{greedy:.1f}",
            _shown(late, np.nanmean, ".1f"),
            *(_shown(columns.get(tag, np.array([])), np.nanmedian, ".3g") for tag in _MEDIANS.values()),
        )
    show(table)


def _columns(file: Path) -> dict[str, np.ndarray]:
    with file.open() as handle:
        lines = list(csv.DictReader(handle))
    tags = lines[0] if lines else {}
    return {tag: np.array([float(line[tag]) if line[tag] else np.nan for line in lines]) for tag in tags}


def _shown(numbers: np.ndarray, middle, form: str) -> str:
    return "–" if not np.isfinite(numbers).any() else format(middle(numbers), form)
