"""A report on run directories: python scripts/report.py DIR … [--out FOLDER] [--score training|evaluation]

Runs that differ in the seed alone are a group. Learning curves, final scores, performance profiles, probabilities of
improvement, what the rows of the objectives say, and what it cost, by environment and for scores over all environments:
report.html and report.md, with figures and CSV.
"""

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from rl.runtime import prepare

prepare()

from rl.commands.answers import report_errors
from rl.commands.help_text import program
from rl.commands.progress import progress
from rl.commands.recorded import recorded
from rl.errors import require
from rl.ownership import Outputs
from rl.reports import environment, objectives, together
from rl.reports.groups import KINDS, Group, grouped, num_runs
from rl.reports.introduction import introduction
from rl.reports.naming import Naming, naming
from rl.reports.objectives import Measure
from rl.reports.page import Page
from rl.reports.runs import ReportedRun, find_runs
from rl.reports.tables import Tables, count, listed

_OPEN_SECTIONS = 3  # with more environments, the sections are folded

_MAY_BE_WRITTEN = ("report.md", "report.html", "*.csv", "figures/*.png")


def main() -> None:
    """Reads the runs, writes the report, and prints what it covers.

    Files are written elsewhere and moved into place at the end, so that a crash leaves the previous report unchanged.

    Raises: ConfigError where options, folders or the place of the report cannot be used.
    """
    arguments = _arguments()
    outputs = _checked(arguments.out)
    runs, damaged = find_runs(arguments.folders, recorded)
    names = naming(runs)
    tasks = dict(sorted(grouped(runs, names).items(), key=lambda item: -len(item[1])))
    scales = _scales(arguments.scale, list(tasks))
    measures = objectives.measures((run.leading, run.metrics.columns) for run in runs)
    folder = outputs.begin()
    titles = dict.fromkeys(given.resolve().name for given in arguments.folders)
    page, tables = Page(f"Report on {listed(list(titles))}"), Tables(folder)
    command = [*program().split(), *sys.argv[1:]]
    introduction(page, runs, damaged, tasks, names, arguments.score, command)
    figures = folder / "figures"
    figures.mkdir()
    together.section(page, tables, tasks, arguments.score, scales, figures)
    largest = max(tasks.values(), key=len)
    for task, groups in progress(tasks.items(), "environments"):
        with page.section(task, note=_extent(groups), is_open=len(tasks) <= _OPEN_SECTIONS or groups is largest):
            environment.section(page, tables, task, groups, measures, arguments.score, figures)
    every = [(group, run) for groups in tasks.values() for group in groups for run in group.runs]
    tables.add("runs", [_run_row(names, group, run, measures) for group, run in every])
    written = page.write(folder)
    tables.write()
    outputs.finish()
    print(_result(tasks, len(damaged), [outputs.folder / file.name for file in written]))


def _arguments() -> argparse.Namespace:
    """The options of the command line."""
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
    return parser.parse_args()


def _result(tasks: Mapping[str, Sequence[Group]], num_damaged: int, written: Sequence[Path]) -> str:
    """A line for the terminal: what the report covers, what it leaves out, and its files.

    Args:
        tasks: {environment: its groups}; num_damaged: directories that could not be read; written: the pages.
    """
    groups = [group for of_task in tasks.values() for group in of_task]
    left_out = f" {count(num_damaged, 'directory')} could not be read." if num_damaged else ""
    if num_doubled := sum(len(group.doubled) for group in groups):
        left_out += f" {count(num_doubled, 'duplicate')} excluded."
    files = ", ".join(map(str, written))
    return f"{count(num_runs(groups), 'run')}, {count(len(groups), 'group')}.{left_out} Written: {files}"


def _checked(out: Path) -> Outputs:
    """The folder of the report.

    Raises: ConfigError where a package is missing, the folder cannot be used, or holds files that no report wrote.
    """
    missing = [name for name in ("matplotlib", "rliable") if find_spec(name) is None]
    require(
        not missing,
        f"a report needs {' and '.join(missing)}: pip install 'tapestry-rl[report]'.",
    )
    outputs = Outputs(out, "report")
    outputs.check(_MAY_BE_WRITTEN)
    return outputs


def _scales(given: Sequence[str], tasks: Sequence[str]) -> dict[str, together.Scale]:
    """{environment: scale} of the options `ENVIRONMENT=LOW,HIGH`.

    Args:
        given: the options; tasks: the environments of the runs.
    Raises: ConfigError for an unknown environment, one that has a scale already or is the only one, and for ends that
        are not two finite numbers in ascending order.
    """
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
    """The numbers of settings and runs as text, for the note beside an environment's heading."""
    return f"{count(len(groups), 'setting')}, {count(num_runs(groups), 'run')}"


def _run_row(names: Naming, group: Group, run: ReportedRun, measures: Sequence[Measure]) -> dict[str, object]:
    """A completed run's row of runs.csv.

    The columns are environment, setting and seed; both scores; steps, speed and wall time; commit and path; for each
    measure of the rows the median over training, by its tag; and the value of each key in which the runs differ.
    """
    return {
        "environment": group.task,
        "setting": group.name,
        "seed": run.seed,
        "training": run.score("training"),
        "evaluation": run.score("evaluation"),
        "steps": run.summary["steps"],
        "steps_per_second": run.summary["steps_per_second"],
        "wall_seconds": run.summary["wall_seconds"],
        "git_commit": run.summary.get("git_commit"),
        "run": str(run.path),
        **{one.tag: run.metrics.typical(one.tag) for one in measures},
        **{key: run.parts.get(key, "") for key in names.keys},
    }


def command() -> None:
    """Runs the command line; the process ends with its exit code."""
    report_errors(main)
