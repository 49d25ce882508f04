"""A report on run directories: python scripts/report.py DIR … [--out FOLDER] [--score training|evaluation]

Runs that differ in the seed alone are a group. Learning curves, final scores, performance profiles, probabilities of
improvement, what the rows of the objectives say, and what it cost, by environment and for scores over all environments:
report.html and report.md, with figures and CSV.
"""

import argparse
import math
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from runtime import prepare

prepare()

import numpy as np
from benchmarks.printing import progress
from composition import report_errors
from reporting import environment, figures, statistics, together
from reporting.groups import KINDS, Group, Naming, grouped, naming
from reporting.page import Page
from reporting.runs import Damaged, Run, find_runs
from reporting.tables import Tables, count, ranges

_METHOD = (
    "Intervals are 95 % stratified bootstrap intervals over seeds (rliable; Agarwal et al. 2021), of "
    f"{statistics.REPETITIONS:,} resamples; with fewer than {statistics.FEWEST_SEEDS} seeds there is none, and with "
    "few they are narrower than they ought to be. A difference counts as supported where the interval of the "
    "probability of improvement leaves out ½, and the Mann-Whitney test agrees after correction for the number of "
    "comparisons in that table (Benjamini and Hochberg 1995), by which "
    f"{100 * statistics.FALSE_DISCOVERIES:.0f} % of the differences called supported may be expected to be chance."
)

_MAY_BE_WRITTEN = ("report.md", "report.html", "*.csv", "figures/*.png")


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
    outputs = _checked(arguments.out)
    runs, damaged = find_runs(arguments.folders)
    names = naming(runs)
    tasks = grouped(runs, names)
    scales = _scales(arguments.scale, list(tasks))
    arguments.out = outputs.begin()
    folders = dict.fromkeys(folder.resolve().name for folder in arguments.folders)
    page, tables = Page("Report on " + ", ".join(folders)), Tables(arguments.out)
    styles = figures.styles([group.name for group in next(iter(tasks.values()))])
    _introduction(page, runs, damaged, tasks, names, arguments.score)
    drawn = arguments.out / "figures"
    together.section(page, tables, tasks, arguments.score, scales, styles, drawn)
    for task, groups in progress(tasks.items(), "environments"):
        environment.section(page, tables, task, groups, arguments.score, styles, drawn)
    _cost(page, tasks)
    tables.add("runs", [_run_row(task, group, run) for task, of in tasks.items() for group in of for run in group.runs])
    written = page.write(arguments.out)
    tables.write()
    outputs.finish()
    written = [outputs.folder / file.name for file in written]
    num_groups = sum(bool(group.runs or group.unfinished) for groups in tasks.values() for group in groups)
    left_out = f" {count(len(damaged), 'directory')} could not be read." if damaged else ""
    print(
        f"{count(len(runs), 'run')}, {count(num_groups, 'group')}.{left_out} Written: " + ", ".join(map(str, written))
    )


def _checked(out: Path):
    """The folder of the report; ConfigError where it cannot be used, or holds files that no report wrote."""
    from rl.errors import require
    from rl.ownership import Outputs

    missing = [name for name in ("matplotlib", "rliable") if find_spec(name) is None]
    require(
        not missing,
        f"a report needs {' and '.join(missing)}: pip install -c constraints.txt -e '.[report]' (in the repository).",
    )
    outputs = Outputs(out, "report")
    outputs.check(_MAY_BE_WRITTEN)
    return outputs


def _scales(given: Sequence[str], tasks: Sequence[str]) -> dict[str, together.Scale]:
    from rl.errors import require

    scales: dict[str, together.Scale] = {}
    for text in given:
        task, _, ends = text.rpartition("=")
        require(task in tasks, f"--scale {text}: {task!r} is none of the runs' environments, {', '.join(tasks)}.")
        require(len(tasks) > 1, f"--scale {text}: there is only one environment, so that nothing has to be scaled.")
        require(task not in scales, f"--scale {text}: {task} has a scale already.")
        try:
            low, high = map(float, ends.split(","))
        except ValueError:
            low, high = 0.0, 0.0
        require(
            math.isfinite(low) and math.isfinite(high) and high - low > 1e-9 * max(1, abs(low), abs(high)),
            f"--scale {text}: after the = come two finite numbers, the lower one first, such as 0,500.",
        )
        scales[task] = together.Scale(low, high)
    return scales


def _introduction(
    page: Page,
    runs: Sequence[Run],
    damaged: Sequence[Damaged],
    tasks: Mapping[str, Sequence[Group]],
    names: Naming,
    kind: str,
) -> None:
    complete = sum(run.status == "completed" for run in runs)
    commits = sorted({str(run.summary.get("git_commit"))[:10] for run in runs})
    versions = sorted({run.summary.get("versions", {}).get("tensorflow", "unknown") for run in runs})
    page.text(
        f"{count(len(runs), 'run')}, {complete} of them completed, in {count(len(tasks), 'environment')}; "
        f"{'commit' if len(commits) == 1 else 'commits'} {', '.join(commits)}, TensorFlow {', '.join(versions)}."
    )
    page.code(shlex.join(["python", "scripts/report.py", *sys.argv[1:]]))
    page.text(f"Settings are compared by: {KINDS[kind]}.", _METHOD)
    rows = [
        [task, group.name, str(len(group.runs)), ranges(group.missing) or "none"]
        for task, groups in tasks.items()
        for group in groups
    ]
    page.heading("What there is")
    if names.usual:
        usual = ", ".join(f"{key}={value}" for key, value in names.usual.items())
        page.text(f"Where a setting says nothing else: {usual}.")
    page.table(["environment", "setting", "seeds completed", "seeds missing"], rows)
    notes = [note for task, groups in tasks.items() for group in groups for note in _notes(task, group, kind)]
    notes += [f"{one.path} cannot be read: {one.why}" for one in damaged]
    if notes:
        page.text("Left out, or to be known:")
        page.items(notes)


def _notes(task: str, group: Group, kind: str) -> list[str]:
    """What has to be known of a group beside its scores."""
    notes, place = [], f"{group.name} in {task}"
    for status in dict.fromkeys(run.status for run in group.unfinished):
        of_it = [run for run in group.unfinished if run.status == status]
        errors = dict.fromkeys(str(run.summary["error"]) for run in of_it if "error" in run.summary)
        why = f" ({'; '.join(errors)})" if errors else ""
        notes.append(f"{place}, {_seeds(of_it)}: {status}{why}")
    if scoreless := group.scoreless(kind):
        notes.append(f"{place}, {_seeds(scoreless)}: completed without a score")
    notes += [
        f"{place}, seed {run.seed}: there is another run of it, and {run.path} is left out" for run in group.doubled
    ]
    return notes


def _seeds(runs: Sequence[Run]) -> str:
    return f"{'seed' if len(runs) == 1 else 'seeds'} {ranges(run.seed for run in runs)}"


def _cost(page: Page, tasks: Mapping[str, Sequence[Group]]) -> None:
    page.heading("Cost")
    page.text(
        "Means over seeds. Steps a second are those of each run, in training alone; wall time has compilation, "
        "evaluations and logging in it. Runs that trained in one program ran beside one another, and share its time."
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
        "git_commit": run.summary.get("git_commit"),
        "run": str(run.path),
        **{tag: run.typical(tag) for tag in environment.ROWS},
    }


if __name__ == "__main__":
    report_errors(main)
