"""The lines that `train` prints at the end of a run.

    Greedy evaluation: 500.0 ± 0.0 over 100 episodes.
    500,224 steps, 7,816 updates, 54,336 steps/s, 14 s in all.
    Run directory: runs/default/seed-0
    Look at it with: tensorboard --logdir runs

Paths inside the working directory are relative to it.
"""

import math
import os
import shlex
import sys
from pathlib import Path


def result(summaries: list[dict], directories: list) -> str:
    """The results of the runs of one program, their directories, and the TensorBoard command, on several lines.

    Args:
        summaries: the content of each run's summary.json, in the order of the seeds.
        directories: their `RunDirectory`s, in the same order.
    """
    where = shown(directories[0].path)
    more = f" and {len(directories) - 1} beside it" if len(directories) > 1 else ""
    return "\n".join(
        [
            *_evaluations([summary["evaluation"] for summary in summaries if summary["evaluation"]]),
            _training(summaries),
            *(
                f"Lost from {shown(directory.path)}: {lost}."
                for summary, directory in zip(summaries, directories, strict=True)
                for lost in summary.get("lost", ())
            ),
            *([_interruption(directories)] if summaries[0]["status"] == "interrupted" else []),
            f"Run directory: {where}{more}",
            f"Look at it with: {_tensorboard()} --logdir {shlex.quote(shown(_folder_to_look_at(directories)))}",
        ]
    )


def _evaluations(evaluations: list[dict]) -> list[str]:
    """[a line on the greedy returns]: the episodes of one run, or the means of several; empty without an evaluation.

    evaluations: `evaluation` of each summary that has one.
    """
    if not evaluations:
        return []
    first, means = evaluations[0], [_number(evaluation["mean"]) for evaluation in evaluations]
    if len(evaluations) == 1:
        returns = f"{means[0]:.1f} ± {_number(first['std']):.1f} over {first['episodes']} episodes"
    else:
        average = f"{sum(means) / len(means):.1f} on average, {min(means):.1f} to {max(means):.1f}"
        returns = f"{average} over {len(means)} seeds, {first['episodes']} episodes each"
    return [f"Greedy evaluation: {returns}{_cut(evaluations)}."]


def _number(number: float | None) -> float:
    """A number of a summary as a float; NaN for None, which summaries have for non-finite numbers."""
    return math.nan if number is None else number


def _training(summaries: list[dict]) -> str:
    """A line on steps, updates, speed and time; the speed is the sum over all runs."""
    first, rate = summaries[0], sum(summary["steps_per_second"] for summary in summaries)
    each = " for each seed" if len(summaries) > 1 else ""
    return (
        f"{first['steps']:,} steps, {first['updates']:,} updates{each}, {rate:,.0f} steps/s, "
        f"{first['wall_seconds']:.0f} s in all."
    )


def _interruption(directories: list) -> str:
    """How an interrupted run can be continued: from its checkpoint, or from the beginning where it has none.

    directories: of the runs that were trained together; one checkpoint among them is enough.
    """
    saved = any(any(directory.checkpoints.glob("*.npz")) for directory in directories)
    how = "and saved: the same command resumes" if saved else "before anything was trained: the same command starts"
    return f"Interrupted, {how} it."


def _folder_to_look_at(directories: list) -> Path:
    """TensorBoard's log directory: `runs` if the runs are in it, else the run's directory, or the parent of several."""
    first = directories[0].path
    if first.parent.parent == Path.cwd() / "runs":
        return first.parent.parent
    return first if len(directories) == 1 else first.parent


def _cut(evaluations: list[dict]) -> str:
    """A clause on the number of episodes that were cut; empty for none."""
    cut = sum(evaluation.get("cut", 0) for evaluation in evaluations)
    return f", {cut} of them cut before their end (evaluation.max_steps)" if cut else ""


def these(directories: list) -> str:
    """The subject and verb of a sentence about the runs: `This run is`, `These 4 runs are`."""
    return "This run is" if len(directories) == 1 else f"These {len(directories)} runs are"


def shown(path: Path) -> str:
    """A path as the user would type it: relative to the working directory if it is inside it."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _tensorboard() -> str:
    """The command that starts the TensorBoard of this Python environment, or `tensorboard` where it has none."""
    beside = Path(sys.executable).with_name("tensorboard")
    return shown(beside) if beside.exists() else "tensorboard"
