"""The table at the end of a sweep: one row per job, with its overrides, status, score, seconds and reason.

On a terminal it has the terminal's width and colours. In a file it is 200 columns wide, so that a reason stays on one
line and can be searched for.
"""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rl.commands.sweep_journal import Outcome

_COLORS = {
    "done": "green",
    "resumed": "green",
    "skipped": "dim",
    "evaluated": "green",
    "interrupted": "yellow",
    "elsewhere": "yellow",
}
"""{status: its colour}; other statuses are failures, in red."""
_WIDTH = 200
"""Width in characters where the output is not a terminal."""


def print_table(outcomes: Sequence[Outcome], seconds: float) -> None:
    """Prints one row per job, named by the overrides that the sweep varies, then the number of jobs of each status.

    Args:
        outcomes: one per job, in the order of the jobs.
        seconds: wall-clock time of the whole sweep.
    """
    folders = sorted({os.path.relpath(Path(outcome.where).parent) for outcome in outcomes if outcome.where})
    places = f" in {', '.join(folders[:3])}" if folders else ""
    table = Table(title=escape(f"{len(outcomes)} jobs in {seconds:.0f} s{places}"))
    for heading in ("job", "status", "score", "s", "why"):
        table.add_column(heading, justify="right" if heading in ("score", "s") else "left", overflow="fold")
    for outcome in outcomes:
        score = "" if outcome.score is None else f"{outcome.score:.1f}"
        status = f"[{_COLORS.get(outcome.status, 'red')}]{outcome.status}[/]"
        table.add_row(escape(outcome.name), status, score, f"{outcome.seconds:.0f}", escape(outcome.why))
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    console.print(table)
    counts = Counter(outcome.status for outcome in outcomes)
    console.print(", ".join(f"{count} {status}" for status, count in counts.items()), highlight=False)
