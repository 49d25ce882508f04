"""How the end of a run is told."""

import os
import shlex
import sys
from pathlib import Path


def result(summaries: list[dict], directories: list) -> str:
    """What the runs came to, and where they are."""
    lines, first = [], summaries[0]
    evaluations = [summary["evaluation"] for summary in summaries if summary["evaluation"]]
    if len(evaluations) == 1:
        (evaluation,) = evaluations
        lines.append(
            f"Greedy evaluation: {evaluation['mean']:.1f} ± {evaluation['std']:.1f} over {evaluation['episodes']} "
            f"episodes{_cut(evaluations)}."
        )
    elif evaluations:
        means = [evaluation["mean"] for evaluation in evaluations]
        lines.append(
            f"Greedy evaluation: {sum(means) / len(means):.1f} on average, {min(means):.1f} to {max(means):.1f} over "
            f"{len(means)} seeds, {evaluations[0]['episodes']} episodes each{_cut(evaluations)}."
        )
    rate = sum(summary["steps_per_second"] for summary in summaries)
    each = " for each seed" if len(summaries) > 1 else ""
    lines.append(
        f"{first['steps']:,} steps, {first['updates']:,} updates{each}, {rate:,.0f} steps/s, "
        f"{first['wall_seconds']:.0f} s in all."
    )
    lines += [
        f"Lost from {shown(directory.path)}: {lost}."
        for summary, directory in zip(summaries, directories, strict=True)
        for lost in summary.get("lost", ())
    ]
    if first["status"] == "interrupted":
        saved = any(any(directory.checkpoints.glob("*.npz")) for directory in directories)
        how = "and saved: the same command resumes" if saved else "before anything was trained: the same command starts"
        lines.append(f"Interrupted, {how} it.")
    where = shown(directories[0].path)
    more = f" and {len(directories) - 1} beside it" if len(directories) > 1 else ""
    lines.append(f"Run directory: {where}{more}")
    lines.append(f"Look at it with: {_tensorboard()} --logdir {shlex.quote(shown(_folder_to_look_at(directories)))}")
    return "\n".join(lines)


def _folder_to_look_at(directories: list) -> Path:
    """`runs`, where the run has its place there; elsewhere the run's own directory, or the one around several."""
    first = directories[0].path
    if first.parent.parent == Path.cwd() / "runs":
        return first.parent.parent
    return first if len(directories) == 1 else first.parent


def _cut(evaluations: list[dict]) -> str:
    """What is to be said of episodes that never ended."""
    cut = sum(evaluation.get("cut", 0) for evaluation in evaluations)
    return f", {cut} of them cut before their end (evaluation.max_steps)" if cut else ""


def these(directories: list) -> str:
    """The subject of a sentence about them."""
    return "This run is" if len(directories) == 1 else f"These {len(directories)} runs are"


def shown(path: Path) -> str:
    """A path as one would type it here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _tensorboard() -> str:
    """The TensorBoard of this very Python, as one types it."""
    beside = Path(sys.executable).with_name("tensorboard")
    return shown(beside) if beside.exists() else "tensorboard"
