"""A progress bar on a terminal; nothing elsewhere."""

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class ProgressBar:
    """A context that shows steps done, steps/s, time left and the newest return."""

    def __init__(self, total_steps: int, *, show: bool):
        """
        Args:
            total_steps: environment steps at the end of training.
            show: whether to draw the bar; it is never drawn where standard error is not a terminal.
        """
        console = Console(file=sys.stderr)
        self._progress = Progress(
            TextColumn("[bold]{task.completed:>9,.0f}[/] of {task.total:,.0f} steps"),
            BarColumn(),
            TextColumn("{task.fields[rate]:>8,.0f} steps/s"),
            TimeRemainingColumn(),
            TextColumn("return {task.fields[newest]}"),
            console=console,
            disable=not (show and console.is_terminal),
            transient=True,
        )
        self._task = self._progress.add_task("training", total=total_steps, rate=0.0, newest="–")

    def update(self, steps: int, rate: float, newest: float | None) -> None:
        """Redraws the bar.

        Args:
            steps: environment steps done.
            rate: environment steps per second.
            newest: mean return of the latest finished episodes; None leaves the one shown.
        """
        fields = {} if newest is None else {"newest": f"{newest:.1f}"}
        self._progress.update(self._task, completed=steps, rate=rate, **fields)

    def __enter__(self) -> "ProgressBar":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
