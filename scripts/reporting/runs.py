"""Run directories as a report reads them."""

import csv
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from omegaconf import OmegaConf
from run_names import changes_weights, flat
from yaml import YAMLError

_LAST_SHARE = 0.05  # of the training, over which its own return is averaged


class Run(NamedTuple):
    """One run directory.

    choices: the config groups; parts: {key: value as text} of everything that may tell it from others, a group's choice
    under the group's name; columns: {tag: [K]} of metrics.csv, NaN where a cell is empty, of a completed run.
    """

    path: Path
    task: str
    seed: int
    status: str
    summary: dict[str, Any]
    choices: tuple[str, ...]
    parts: dict[str, str]
    columns: dict[str, np.ndarray]

    @property
    def steps(self) -> np.ndarray:
        """Environment steps at the ends of the iterations, [K]."""
        return self.columns["step"]

    @property
    def training_return(self) -> float:
        """The mean return over the iterations of the last 5 % of training, of the episodes that ended in each."""
        returns = self.columns.get("episode/return", np.zeros(0))
        last = returns[-max(1, int(len(returns) * _LAST_SHARE)) :]
        return float(np.nanmean(last)) if np.isfinite(last).any() else float("nan")

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
        values = self.columns.get(tag, np.array([np.nan]))
        return float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")


class Damaged(NamedTuple):
    """A directory with a run in it that cannot be read, and why."""

    path: Path
    why: str


def find_runs(folders: Sequence[Path]) -> tuple[list[Run], list[Damaged]]:
    """All run directories at or below the folders, by path, each once; ConfigError where there is none."""
    from rl.errors import require

    missing = [str(folder) for folder in folders if not folder.is_dir()]
    require(not missing, f"{', '.join(missing)} is not a folder.")
    files = sorted({file.resolve() for folder in folders for file in folder.rglob("summary.json")})
    runs, damaged = [], []
    for file in files:
        if (file.parent / ".hydra" / "config.yaml").exists():
            try:
                runs.append(_read(file.parent))
            except (OSError, ValueError, KeyError, TypeError, AttributeError, YAMLError) as error:
                damaged.append(Damaged(file.parent, f"{type(error).__name__}: {error}"))
    where = ", ".join(map(str, folders))
    require(
        bool(runs or damaged),
        f"{where} holds no run directory: none with summary.json and .hydra/config.yaml below it.",
    )
    require(
        bool(runs), f"{where} holds no run that can be read; {damaged[0].path}: {damaged[0].why}" if damaged else ""
    )
    return runs, damaged


def _read(path: Path) -> Run:
    summary = json.loads((path / "summary.json").read_text(encoding="utf-8"))
    config = flat(OmegaConf.load(path / ".hydra" / "config.yaml"))
    choices = OmegaConf.load(path / ".hydra" / "hydra.yaml").choices
    groups = {
        group: str(choice) for group, choice in choices.items() if not group.startswith("hydra/") and choice is not None
    }
    parts = {group: choice for group, choice in groups.items() if group not in ("environment", "experiment")}
    told = {key: value for key, value in config.items() if key not in ("environment.id", "environment._target_")}
    parts |= {key: _text(value) for key, value in told.items() if changes_weights(key)}
    status, columns = str(summary["status"]), {}
    if status == "completed":
        columns = _columns(path / "metrics.csv")
        if len(columns["step"]) and columns["step"][-1] < summary["steps"]:
            raise ValueError(f"metrics.csv ends at step {columns['step'][-1]:.0f} of {summary['steps']}")
    return Run(
        path, _task(groups["environment"], config), int(config["seed"]), status, summary, tuple(groups), parts, columns
    )


def _task(choice: str, config: dict[str, Any]) -> str:
    """The environment, by Gymnasium's name where only that tells it."""
    name = config.get("environment.id")
    return str(name) if choice == "gymnasium" and name else choice


def _text(value: Any) -> str:
    """A value such that two that differ have different texts."""
    words = {True: "true", False: "false", None: "null"}
    return words[value] if value is None or isinstance(value, bool) else str(value)


def _columns(file: Path) -> dict[str, np.ndarray]:
    """The numbers of whole lines; a last line that was cut off is not one."""
    if not file.exists():
        return {"step": np.zeros(0)}
    with file.open(encoding="utf-8") as handle:
        header, *rows = csv.reader(handle)
    if rows and len(rows[-1]) != len(header):
        del rows[-1]
    table = np.array([[float(cell) if cell else np.nan for cell in row] for row in rows], float)
    return dict(zip(header, table.reshape(-1, len(header)).T, strict=True))


def differing(runs: Sequence[Run]) -> list[str]:
    """The keys by which runs in the same environment differ.

    Where a group's choice differs, what the choice explains is left out: keys inside of it that are the same for all
    runs of the same choice.
    """
    by_task: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_task[run.task].append(run)
    found = {key: None for of_task in by_task.values() for key in _differing_here(of_task)}
    return [key for key in dict.fromkeys(key for run in runs for key in run.parts) if key in found]


def _differing_here(runs: Sequence[Run]) -> list[str]:
    keys = dict.fromkeys(key for run in runs for key in run.parts)
    found = [key for key in keys if len({run.parts.get(key) for run in runs}) > 1]
    groups = {group for run in runs for group in run.choices}
    chosen = [key for key in found if key in groups]
    return [key for key in found if not any(_explains(group, key, runs) for group in chosen)]


def _explains(group: str, key: str, runs: Sequence[Run]) -> bool:
    if not key.startswith(f"{group.replace('/', '.')}."):
        return False
    values: Mapping[Any, set] = defaultdict(set)
    for run in runs:
        values[run.parts.get(group)].add(run.parts.get(key))
    return all(len(of_choice) == 1 for of_choice in values.values())
