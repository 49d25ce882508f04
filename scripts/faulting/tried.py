"""The small commands that are disturbed, and what must be left once the same command has run again."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from faulting.campaign import Setting
from faulting.commands import Ended, ended
from faulting.comparison import differences, events
from faulting.small_runs import COMPILED, SMALL

_SHORTER = 300  # characters of a fault in the table


class Tried(NamedTuple):
    """A command in its own folder.

    Args:
        name: of the command in the table.
        script: of scripts/.
        arguments: of the script; RUN stands for the run directory that it reads.
        writes: the folder, relative to its own, into which it writes.
        lost: compares its folder with an undisturbed one; what is lost or duplicated, in words.
        needs: the command whose results it reads.
    """

    name: str
    script: str
    arguments: tuple[str, ...]
    writes: str
    lost: Callable[[Path, Path], str | None]
    needs: str | None = None

    @property
    def trains(self) -> bool:
        """Whether the command trains."""
        return self.script == "train.py"

    def longer(self) -> "Tried":
        """The same command, with ten times as many iterations where it trains."""
        return self._replace(arguments=(*self.arguments, "steps=6400")) if self.trains else self

    def begin(self, setting: Setting, name: str) -> Path:
        """A new folder of that name for the command, with the results that it needs."""
        folder = setting.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if self.needs:
            shutil.copytree(whole(TRIED[self.needs], setting) / "runs", folder / "runs")
        return folder

    def run(self, folder: Path, *more: str) -> Ended:
        """Runs the command inside this process, with further arguments."""
        return ended(folder, self.script, *self.given(folder), *more)

    def given(self, folder: Path) -> list[str]:
        """Its arguments, with the run directory in place of `RUN`."""
        run = next(iter(runs_in(folder).values()), folder)
        return [run.relative_to(folder).as_posix() if given == "RUN" else given for given in self.arguments]


def whole(tried: Tried, setting: Setting) -> Path:
    """The folder of the undisturbed command, made once in each folder of work."""
    folder, done = setting.folder / f"whole_{tried.name}", setting.folder / f"whole_{tried.name}.done"
    if not done.exists():
        tried.begin(setting, folder.name)
        outcome = tried.run(folder)
        if outcome.code:
            raise RuntimeError(f"{tried.name} fails undisturbed: {outcome.printed[-2000:]}")
        (folder / "printed").write_text(outcome.printed)
        done.touch()
    return folder


def runs_in(folder: Path) -> dict[str, Path]:
    """{name: run directory} in a command's folder."""
    return {run.name: run for run in sorted((folder / "runs" / "default").glob("*__seed-*"))}


def lost_bits(folder: Path, undisturbed: Path) -> str | None:
    """What is not bit-identical to the undisturbed runs, in words: for compiled environments."""
    here, there = runs_in(folder), runs_in(undisturbed)
    if here.keys() != there.keys():
        return f"runs {sorted(here)} instead of {sorted(there)}"
    found = [f"{name}: {one}" for name, run in here.items() for one in differences(run, there[name])]
    return shortened("; ".join(found)) or None


def broken(folder: Path, undisturbed: Path) -> str | None:
    """Missing or duplicated rows and points, in words: for environments that restart when a run resumes."""
    from rl.runs.directory import read_summary
    from rl.runs.metrics_file import read_metrics

    here = runs_in(folder)
    if here.keys() != runs_in(undisturbed).keys():
        return f"runs {sorted(here)}"
    for name, run in here.items():
        steps = read_metrics(run / "metrics.csv")["step"]
        expected = read_metrics(runs_in(undisturbed)[name] / "metrics.csv")["step"]
        if not np.array_equal(steps, expected):
            return f"{len(steps)} rows of {len(expected)}"
        points, usual = map(_steps_by_tag, (run, runs_in(undisturbed)[name]))
        wrong = [tag for tag in usual if points.get(tag) != usual[tag]]
        if wrong:
            return shortened(f"{wrong[0]} at steps {points.get(wrong[0])} instead of {usual[wrong[0]]}")
        if (status := read_summary(run / "summary.json")["status"]) != "completed":
            return f"the summary says {status}"
        if left := [file.name for file in run.rglob("*.partial")]:
            return f"left over: {left}"
    return None


def _steps_by_tag(run: Path) -> dict[str, list[int]]:
    return {tag: [step for step, _ in values] for tag, values in events(run).items()}


def _changed(folder: Path, undisturbed: Path) -> str | None:
    """Files that differ, in the runs and in what the command wrote, in words: for a command that only reads runs."""
    here, there = (_texts(place) for place in (folder, undisturbed))
    unlike = sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
    return shortened(f"not the same: {', '.join(unlike)}") if unlike else None


def _texts(folder: Path) -> dict[str, bytes]:
    """{path: content} of a folder, without pictures.

    The folder's own path, which a report's tables contain, is removed. Event files, whose names contain time and
    process, are represented by their events.
    """
    own, left_out = str(folder.resolve()).encode(), ("printed", ".lock", ".tapestry_report", ".tapestry_rows")
    files = [file for file in folder.rglob("*") if file.is_file() and file.name not in left_out]
    logs = {file for file in files if "tfevents" in file.name}
    texts = {
        file.relative_to(folder).as_posix(): file.read_bytes().replace(own, b"")
        for file in files
        if file.suffix != ".png" and file not in logs
    }
    for place in {file.parent for file in logs}:
        texts[f"{place.relative_to(folder).as_posix()}: event files"] = repr(sorted(events(place).items())).encode()
    return texts


def shortened(text: str) -> str:
    """The text, cut to what fits into the table."""
    return text if len(text) <= _SHORTER else f"{text[:_SHORTER]}…"


_SWEPT = ("-m", *(given for given in COMPILED if not given.startswith("seed=")), "combiner=sum,pcgrad", "seed=5,6")
TRIED = {
    tried.name: tried
    for tried in (
        Tried("compiled", "train.py", COMPILED, "runs", lost_bits),
        Tried("seeds", "train.py", (*COMPILED, "seeds=3"), "runs", lost_bits),
        Tried("gymnasium", "train.py", (*SMALL, "steps=640"), "runs", broken),
        Tried("sweep", "train.py", _SWEPT, "runs", lost_bits),
        Tried("evaluate", "evaluate.py", ("RUN", "--json"), "runs", _changed, needs="compiled"),
        Tried("report", "report.py", ("runs", "--out", "report"), "report", _changed, needs="sweep"),
        Tried("rows", "inspect_gradients.py", ("rows", "RUN", "--out", "out"), "out", _changed, needs="compiled"),
    )
}
