"""A report on run directories: python scripts/report.py DIR … [--out FOLDER] [--score training|evaluation]

Runs that differ in the seed alone are a group. Learning curves, final scores, performance profiles, probabilities of
improvement, what the rows of the objectives say, and what it cost, by environment and for scores over all environments:
report.html and report.md, with figures and CSV.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from runtime import prepare

prepare()

import numpy as np
from composition import report_errors
from reporting import environment, statistics, together
from reporting.groups import KINDS, Group, grouped
from reporting.page import Page
from reporting.runs import Run, find_runs
from reporting.tables import Tables, ranges


def main() -> None:
    """Reads the runs, and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="DIR", help="folders with run directories in them")
    parser.add_argument("--out", type=Path, default=Path("report"), help="where the report goes (default: report)")
    parser.add_argument(
        "--score", choices=list(KINDS), default="training", help="what settings are compared by (default: training)"
    )
    parser.add_argument(
        "--scale",
        action="append",
        default=[],
        metavar="ENVIRONMENT=LOW,HIGH",
        help="the scores that become 0 and 1 where environments are taken together, such as compiled/cartpole=0,500 "
        "(default: the lowest and the highest of all runs there); may be given for each",
    )
    arguments = parser.parse_args()
    runs = find_runs(arguments.folders)
    tasks = grouped(runs)
    scales = _scales(arguments.scale, list(tasks))
    arguments.out.mkdir(parents=True, exist_ok=True)
    page = Page("Report on " + ", ".join(folder.resolve().name for folder in arguments.folders))
    tables = Tables(arguments.out)
    _introduction(page, runs, tasks)
    together.section(page, tables, tasks, arguments.score, scales, arguments.out / "figures")
    for task, groups in tasks.items():
        environment.section(page, tables, task, groups, arguments.score, arguments.out / "figures")
    _cost(page, tasks)
    tables.add("runs", [_run_row(task, group, run) for task, of in tasks.items() for group in of for run in group.runs])
    written = page.write(arguments.out)
    tables.write()
    print(f"{len(runs)} runs, {sum(map(len, tasks.values()))} groups. Written: " + ", ".join(map(str, written)))


def _scales(given: Sequence[str], tasks: Sequence[str]) -> dict[str, together.Scale]:
    from rl.errors import require

    scales = {}
    for text in given:
        task, _, ends = text.rpartition("=")
        require(task in tasks, f"--scale {text}: {task!r} is none of the runs' environments, {', '.join(tasks)}.")
        try:
            low, high = map(float, ends.split(","))
        except ValueError:
            low, high = 0.0, 0.0
        require(low < high, f"--scale {text}: after the = come two numbers, the lower one first, such as 0,500.")
        scales[task] = together.Scale(low, high)
    return scales


def _introduction(page: Page, runs: Sequence[Run], tasks: Mapping[str, Sequence[Group]]) -> None:
    complete = sum(run.status == "completed" for run in runs)
    commits = sorted({str(run.summary.get("git_commit"))[:10] for run in runs})
    versions = sorted({run.summary.get("versions", {}).get("tensorflow", "unknown") for run in runs})
    page.text(
        f"{len(runs)} runs, {complete} of them completed, in {len(tasks)} environments; commit {', '.join(commits)}, "
        f"TensorFlow {', '.join(versions)}."
    )
    page.code("python scripts/report.py " + " ".join(sys.argv[1:]))
    page.text(
        "Intervals are 95 % stratified bootstrap intervals over seeds (rliable; Agarwal et al. 2021), of "
        f"{statistics.REPETITIONS:,} resamples. A difference counts as supported where the interval of the probability "
        f"of improvement leaves out ½ and both settings have at least {statistics.FEWEST_SEEDS} seeds."
    )
    rows, notes = [], []
    for task, groups in tasks.items():
        for group in groups:
            rows.append([task, group.name, str(len(group.runs)), ranges(group.missing) or "none"])
            for status in dict.fromkeys(run.status for run in group.unfinished):
                of_it = [run for run in group.unfinished if run.status == status]
                errors = dict.fromkeys(run.summary["error"] for run in of_it if "error" in run.summary)
                why = f" ({'; '.join(errors)})" if errors else ""
                seeds = ranges(run.seed for run in of_it)
                notes.append(f"{group.name} in {task}, seeds {seeds}: {status}{why}")
            if group.doubled:
                notes.append(f"{group.name} in {task} has seeds {ranges(group.doubled)} more than once")
    page.heading("What there is")
    page.table(["environment", "setting", "seeds completed", "seeds missing"], rows)
    if notes:
        page.text("Left out, or to be known:")
        page.items(notes)


def _cost(page: Page, tasks: Mapping[str, Sequence[Group]]) -> None:
    page.heading("Cost")
    page.text(
        "Means over seeds. Steps a second are of training alone; wall time has compilation, evaluations and logging in "
        "it. Runs that trained in one program share both."
    )
    rows = []
    for task, groups in tasks.items():
        for group in (group for group in groups if group.runs):
            rate = np.mean([run.summary["steps_per_second"] for run in group.runs])
            wall = np.mean([run.summary["wall_seconds"] for run in group.runs])
            rows.append([task, group.name, f"{rate:,.0f}", f"{wall:.0f}"])
    page.table(["environment", "setting", "steps/s", "wall seconds"], rows)


def _run_row(task: str, group: Group, run: Run) -> dict[str, object]:
    return {
        "environment": task,
        "setting": group.name,
        "seed": run.seed,
        "training": run.training_return,
        "evaluation": run.greedy_return,
        "steps": run.summary["steps"],
        "steps_per_second": run.summary["steps_per_second"],
        "wall_seconds": run.summary["wall_seconds"],
        "run": str(run.path),
        **{tag: run.typical(tag) for tag in environment.ROWS},
    }


if __name__ == "__main__":
    report_errors(main)
