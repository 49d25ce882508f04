"""A report on run directories: python scripts/report.py DIR … [--out FOLDER] [--score training|evaluation]

Runs that differ in the seed alone are a group. Learning curves, final scores, performance profiles, probabilities of
improvement, what the rows of the objectives say, and what it cost: report.html and report.md, with figures and CSV.
"""

import argparse
import csv
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from runtime import prepare

prepare()

import numpy as np
from composition import report_errors
from reporting import figures, statistics
from reporting.groups import Group, grouped
from reporting.page import Page
from reporting.runs import Run, find_runs

_KINDS = {"training": "return in the last 5 % of training", "evaluation": "greedy evaluation at the end"}
_ROWS = {
    "gradient/norm_ratio/value-policy": "value row / policy row",
    "gradient/cosine/policy-value": "cosine",
    "gradient/conflict/policy-value": "conflict (layers)",
    "update/share/policy": "policy's share of the step",
    "update/share/value": "value's share",
    "update/cosine/policy-applied": "−Δw's cosine with the policy's row",
    "update/cosine/value-applied": "with the value's",
}
_DRAWN_ROWS = {
    "gradient/norm_ratio/value-policy": "value row / policy row",
    "gradient/cosine/policy-value": "cosine of policy and value",
    "update/share/value": "value's share of the step",
}
_MOST_NAMED = 12  # differences in words; all are in improvement.csv


def main() -> None:
    """Reads the runs, and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="DIR", help="folders with run directories in them")
    parser.add_argument("--out", type=Path, default=Path("report"), help="where the report goes (default: report)")
    parser.add_argument(
        "--score", choices=list(_KINDS), default="training", help="what settings are compared by (default: training)"
    )
    arguments = parser.parse_args()
    runs = find_runs(arguments.folders)
    tasks = grouped(runs)
    arguments.out.mkdir(parents=True, exist_ok=True)
    page = Page("Report on " + ", ".join(folder.resolve().name for folder in arguments.folders))
    _introduction(page, runs, tasks)
    writer = _Tables(arguments.out)
    for task, groups in tasks.items():
        _task(page, writer, task, groups, arguments.score, arguments.out / "figures")
    _cost(page, tasks)
    writer.write(
        "runs", [_run_row(task, group, run) for task, of in tasks.items() for group in of for run in group.runs]
    )
    written = page.write(arguments.out)
    writer.close()
    print(f"{len(runs)} runs, {sum(map(len, tasks.values()))} groups. Written: " + ", ".join(map(str, written)))


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


def _task(page: Page, writer: "_Tables", task: str, groups: Sequence[Group], kind: str, folder: Path) -> None:
    page.heading(task)
    label, stem = _KINDS[kind], re.sub(r"[^\w.-]+", "_", task)
    scores = {group.name: group.scores(kind) for group in groups if len(group.scores(kind))}
    if not scores:
        page.text("No completed run has a score.")
        return
    curves = {group.name: statistics.curves(group, "episode/return") for group in groups if group.name in scores}
    page.heading("Learning curves", 3)
    figures.curves_figure(curves, "return in training", folder / f"{stem}_curves.png")
    page.figure(folder / f"{stem}_curves.png", f"Learning curves on {task}: mean and interquartile mean")
    writer.write("curves", _curve_rows(task, curves))
    page.heading("Final scores", 3)
    both = {k: {g.name: g.scores(k) for g in groups if len(g.scores(k))} for k in _KINDS}
    table = [
        {
            "environment": task,
            "setting": name,
            "score": which,
            "seeds": len(values),
            "mean": statistics.estimate(values, statistics.mean),
            "iqm": statistics.estimate(values, statistics.iqm),
            "least": float(values.min()),
            "most": float(values.max()),
        }
        for which, of in both.items()
        for name, values in of.items()
    ]
    writer.write("scores", [_spread(row) for row in table])
    for which, words in _KINDS.items():
        page.text(f"{words[0].upper()}{words[1:]}:")
        rows = [
            [row["setting"], str(row["seeds"]), _shown(row["mean"]), _shown(row["iqm"]), f"{row['least']:.1f}"]
            for row in table
            if row["score"] == which
        ]
        page.table(["setting", "seeds", "mean", "interquartile mean", "worst seed"], rows)
    iqms = {row["setting"]: row["iqm"] for row in table if row["score"] == kind}
    figures.scores_figure(scores, iqms, label, folder / f"{stem}_scores.png")
    page.figure(folder / f"{stem}_scores.png", f"Final scores on {task}")
    page.heading("Performance profile", 3)
    every = np.concatenate(list(scores.values()))
    room = 0.05 * (every.max() - every.min() or max(abs(every.max()), 1.0))
    thresholds = np.linspace(every.min() - room, every.max() + room, 101)
    profile = statistics.profiles(scores, thresholds)
    figures.profiles_figure(profile, thresholds, label, folder / f"{stem}_profile.png")
    page.figure(folder / f"{stem}_profile.png", f"Share of runs above every score on {task}")
    _comparisons(page, writer, task, scores, folder / f"{stem}_improvement.png")
    _gradients(page, writer, task, groups, folder / f"{stem}_gradients.png")


def _comparisons(page: Page, writer: "_Tables", task: str, scores: Mapping[str, np.ndarray], file: Path) -> None:
    if len(scores) < 2:
        return
    page.heading("Probability of improvement", 3)
    found = statistics.comparisons(scores)
    writer.write(
        "improvement",
        [
            {
                "environment": task,
                "better": one.better,
                "worse": one.worse,
                **_estimate_columns("probability", one.probability),
                "supported": one.supported,
                "why_not": one.why_not,
            }
            for one in found
        ],
    )
    figures.comparisons_figure(found, file)
    page.figure(file, f"Probability of improvement on {task}")
    supported = sorted((one for one in found if one.supported), key=lambda one: -one.probability.low)
    refused = [one for one in found if not one.supported]
    if supported:
        page.text(f"Supported by the intervals: {len(supported)} of {len(found)} differences.")
        page.items(
            [f"{one.better} over {one.worse}: {_shown(one.probability, '.2f')}" for one in supported[:_MOST_NAMED]]
        )
    if refused:
        page.text(f"Not supported, so that nothing is said about which is better: {len(refused)}.")
        page.items(
            [
                f"{one.better} against {one.worse}: {_shown(one.probability, '.2f')}; {one.why_not}"
                for one in refused[:_MOST_NAMED]
            ]
        )
    if max(len(supported), len(refused)) > _MOST_NAMED:
        page.text(f"The first {_MOST_NAMED} of each are named; all are in improvement.csv.")


def _gradients(page: Page, writer: "_Tables", task: str, groups: Sequence[Group], file: Path) -> None:
    known = [group for group in groups if any(np.isfinite(run.typical(tag)) for run in group.runs for tag in _ROWS)]
    if not known:
        return
    page.heading("Who moves the torso", 3)
    page.text("Medians over training, then over seeds, with quartiles over seeds. A negative share lowers the loss.")
    rows, shown = [], []
    for group in known:
        row, cells = {"environment": task, "setting": group.name}, [group.name]
        for tag in _ROWS:
            values = np.array([run.typical(tag) for run in group.runs])
            values = values[np.isfinite(values)]
            low, middle, high = np.quantile(values, (0.25, 0.5, 0.75)) if len(values) else (np.nan,) * 3
            row |= {tag: float(middle), f"{tag} (lower quartile)": float(low), f"{tag} (upper quartile)": float(high)}
            cells.append(f"{middle:.3g} ({low:.3g} to {high:.3g})" if len(values) else "–")
        rows.append(row)
        shown.append(cells)
    writer.write("gradients", rows)
    page.table(["setting", *_ROWS.values()], shown)
    series = {group.name: {tag: statistics.curves(group, tag) for tag in _DRAWN_ROWS} for group in known}
    figures.gradients_figure(series, _DRAWN_ROWS, file)
    page.figure(file, f"Norm ratio, cosine and share of the step over training on {task}")


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
        **{tag: run.typical(tag) for tag in _ROWS},
    }


def _curve_rows(task: str, curves: Mapping[str, Mapping[str, np.ndarray]]) -> list[dict[str, object]]:
    return [
        {"environment": task, "setting": name, **{key: float(values[k]) for key, values in numbers.items()}}
        for name, numbers in curves.items()
        for k in range(len(numbers.get("step", ())))
    ]


def _spread(row: Mapping[str, object]) -> dict[str, object]:
    spread: dict[str, object] = {}
    for key, value in row.items():
        spread |= _estimate_columns(key, value) if isinstance(value, statistics.Estimate) else {key: value}
    return spread


def _estimate_columns(name: str, estimate: statistics.Estimate) -> dict[str, float]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _shown(estimate: statistics.Estimate, form: str = ".1f") -> str:
    return f"{estimate.value:{form}} ({estimate.low:{form}} to {estimate.high:{form}})"


def ranges(numbers: Iterable[int]) -> str:
    """Whole numbers in words: 0 to 4, 7."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(str(low) if low == high else f"{low} to {high}" for low, high in found)


class _Tables:
    """CSV files, each begun anew and written to as the tasks come."""

    def __init__(self, folder: Path):
        self._folder, self._rows = folder, {}

    def write(self, name: str, rows: Sequence[Mapping[str, object]]) -> None:
        self._rows.setdefault(name, []).extend(rows)

    def close(self) -> None:
        for name, rows in self._rows.items():
            if rows:
                with (self._folder / f"{name}.csv").open("w", newline="") as handle:
                    writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
                    writer.writeheader()
                    writer.writerows(rows)


if __name__ == "__main__":
    report_errors(main)
