"""A report on run directories: python scripts/report.py DIR … [--out FOLDER] [--score training|evaluation]

Runs that differ in the seed alone are a group. Learning curves, final scores, performance profiles, probabilities of
improvement, what the rows of the objectives say, and what it cost, by environment and for scores over all environments:
report.html and report.md, with figures and CSV.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from rl.runtime import prepare

prepare()

from rl.commands.answers import report_errors
from rl.commands.progress import progress
from rl.commands.recorded import recorded
from rl.reports import environment, gradients, together
from rl.reports.groups import KINDS, Group, grouped, num_runs
from rl.reports.introduction import introduction
from rl.reports.naming import Naming, naming
from rl.reports.page import Page
from rl.reports.runs import Run, find_runs
from rl.reports.tables import Tables, count, listed

_OPEN_SECTIONS = 3  # of more environments the sections are folded

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
    runs, damaged = find_runs(arguments.folders, recorded)
    names = naming(runs)
    tasks = dict(sorted(grouped(runs, names).items(), key=lambda item: -len(item[1])))
    scales = _scales(arguments.scale, list(tasks))
    arguments.out = outputs.begin()
    folders = dict.fromkeys(folder.resolve().name for folder in arguments.folders)
    page, tables = Page(f"Report on {listed(list(folders))}"), Tables(arguments.out)
    command = ["python", "scripts/report.py", *sys.argv[1:]]
    introduction(page, runs, damaged, tasks, names, arguments.score, command)
    drawn = arguments.out / "figures"
    drawn.mkdir()
    together.section(page, tables, tasks, arguments.score, scales, drawn)
    largest = max(tasks.values(), key=len)
    for task, groups in progress(tasks.items(), "environments"):
        with page.section(task, note=_extent(groups), is_open=len(tasks) <= _OPEN_SECTIONS or groups is largest):
            environment.section(page, tables, task, groups, arguments.score, drawn)
    every = [(task, group, run) for task, groups in tasks.items() for group in groups for run in group.runs]
    tables.add("runs", [_run_row(names, task, group, run) for task, group, run in every])
    written = page.write(arguments.out)
    tables.write()
    outputs.finish()
    written = [outputs.folder / file.name for file in written]
    groups = [group for of_task in tasks.values() for group in of_task]
    left_out = f" {count(len(damaged), 'directory')} could not be read." if damaged else ""
    if doubled := sum(len(group.doubled) for group in groups):
        left_out += f" {count(doubled, 'duplicate')} excluded."
    print(
        f"{count(num_runs(groups), 'run')}, {count(len(groups), 'group')}.{left_out} Written: "
        + ", ".join(map(str, written))
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


def _extent(groups: Sequence[Group]) -> str:
    return f"{count(len(groups), 'setting')}, {count(num_runs(groups), 'run')}"


def _run_row(names: Naming, task: str, group: Group, run: Run) -> dict[str, object]:
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
        **{tag: run.typical(tag) for tag in gradients.ROWS},
        **{key: run.parts.get(key, "") for key in names.keys},
    }


def command() -> None:
    """Runs the command line; the process ends with its exit code."""
    report_errors(main)
