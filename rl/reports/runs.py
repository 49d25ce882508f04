"""Run directories as a report reads them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from yaml import YAMLError

from rl.reports import run_metrics


class Run(NamedTuple):
    """One run directory.

    choices: {group: option}; parts: {key: value as text} of everything that may tell it from others, a group's choice
    under the group's name; columns: {tag: [K]} of metrics.csv, NaN where a cell is empty, of a completed run.
    """

    path: Path
    task: str
    seed: int
    status: str
    summary: dict[str, Any]
    choices: Mapping[str, str]
    parts: dict[str, str]
    columns: dict[str, np.ndarray]

    @property
    def steps(self) -> np.ndarray:
        """Environment steps at the ends of the iterations, [K]."""
        return self.columns["step"]

    @property
    def training_return(self) -> float:
        """The mean return of the episodes that ended in the last 5 % of training."""
        return run_metrics.training_return(self.columns)

    @property
    def greedy_return(self) -> float:
        """The mean return of the last evaluation."""
        mean = (self.summary.get("evaluation") or {}).get("mean")
        return float("nan") if mean is None else float(mean)

    def score(self, kind: str) -> float:
        """`training` or `evaluation`."""
        return self.training_return if kind == "training" else self.greedy_return

    def typical(self, tag: str) -> float:
        """The median of a tag over training, NaN where it was never logged."""
        return run_metrics.typical(self.columns, tag)


class Damaged(NamedTuple):
    """A directory with a run in it that cannot be read, and why."""

    path: Path
    why: str


def find_runs(folders: Sequence[Path], recorded: Callable[[Path], Any]) -> tuple[list[Run], list[Damaged]]:
    """All run directories at or below the folders, by path, each once.

    Args:
        recorded: gives the `settings` and `choices` of a run directory (`rl.commands.recorded`).
    Raises: ConfigError where there is none.
    """
    from rl.errors import ConfigError, require

    missing = [str(folder) for folder in folders if not folder.is_dir()]
    require(not missing, f"{', '.join(missing)} is not a folder.")
    runs, damaged = [], []
    for path in _run_directories(folders):
        try:
            runs.append(_read(path, recorded))
        except ConfigError as error:
            damaged.append(Damaged(path, str(error).removeprefix(f"{path}/").removesuffix(".")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, YAMLError) as error:
            damaged.append(Damaged(path, f"{type(error).__name__}: {error}"))
    where = ", ".join(map(str, folders))
    require(
        bool(runs or damaged),
        f"{where} holds no run directory: none with summary.json and .hydra/config.yaml below it.",
    )
    require(
        bool(runs), f"{where} holds no run that can be read; {damaged[0].path}: {damaged[0].why}" if damaged else ""
    )
    return runs, damaged


def _run_directories(folders: Sequence[Path]) -> list[Path]:
    """The folders that a run wrote into, by path: with a config and a summary, or with our marker and either log."""
    from rl.ownership import marker

    names = ("summary.json", "metrics.csv")
    places = {file.resolve().parent for folder in folders for name in names for file in folder.rglob(name)}
    return sorted(
        place
        for place in places
        if marker(place, "run") is not None
        or ((place / ".hydra" / "config.yaml").exists() and (place / "summary.json").exists())
    )


def _read(path: Path, recorded: Callable[[Path], Any]) -> Run:
    from rl.errors import require
    from rl.runs.summary_file import read_summary

    absent = [
        name for name in ("summary.json", ".hydra/config.yaml", ".hydra/hydra.yaml") if not (path / name).exists()
    ]
    require(not absent, f"it lacks {' and '.join(absent)}")
    summary = read_summary(path / "summary.json")
    config, groups = recorded(path)
    parts = {group: choice for group, choice in groups.items() if group not in ("environment", "experiment")}
    told = {key: value for key, value in config.items() if key not in ("environment.id", "environment._target_")}
    parts |= {key: _text(value) for key, value in told.items() if key != "seed" and value != {}}
    status, columns = summary["status"], {}
    if status == "completed":
        columns = _columns(path / "metrics.csv", summary["steps"])
    return Run(path, _task(groups["environment"], config), int(config["seed"]), status, summary, groups, parts, columns)


def _columns(file: Path, steps: int) -> dict[str, np.ndarray]:
    """A completed run's metrics; ConfigError where they end before it does, or have a hole."""
    from rl.errors import require

    if not file.exists():
        return {"step": np.zeros(0)}
    columns = run_metrics.read_columns(file)
    if len(found := columns["step"]):
        require(found[-1] >= steps, f"metrics.csv ends at step {found[-1]:.0f} of {steps}")
        every = int(min(found[0], *np.diff(found))) if len(found) > 1 else int(found[0])
        expected = np.arange(every, found[-1] + 1, every)
        gone = np.setdiff1d(expected, found)
        first = f", the first that of step {gone[0]:.0f}" if len(gone) else ""
        require(
            len(found) == len(expected) and not len(gone),
            f"metrics.csv lacks {len(gone)} of {len(expected)} rows{first}",
        )
    return columns


def _task(choice: str, config: dict[str, Any]) -> str:
    """The environment, by Gymnasium's name where only that tells it."""
    name = config.get("environment.id")
    return str(name) if choice == "gymnasium" and name else choice


def _text(value: Any) -> str:
    """A value such that two that differ have different texts."""
    words = {True: "true", False: "false", None: "null"}
    if value is None or isinstance(value, bool):
        return words[value]
    large = f"{value:g}" if isinstance(value, int | float) and abs(value) >= 1e6 else ""
    return large if large and float(large) == value else str(value)
