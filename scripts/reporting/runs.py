"""Run directories as a report reads them."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from composition import IGNORED, flat
from omegaconf import OmegaConf

_LAST_SHARE = 0.05  # of the training, over which its own return is averaged


class Run(NamedTuple):
    """One run directory.

    choices: the config groups; parts: {key: value as text} of everything that may tell it from others, a group's choice
    under the group's name; columns: {tag: [K]} of metrics.csv, NaN where a cell is empty.
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
        """The mean return of the episodes that ended in the last 5 % of the training."""
        returns = self.columns["episode/return"]
        last = returns[-max(1, int(len(returns) * _LAST_SHARE)) :]
        return float(np.nanmean(last)) if np.isfinite(last).any() else float("nan")

    @property
    def greedy_return(self) -> float:
        """The mean return of the last evaluation."""
        evaluation = self.summary.get("evaluation")
        return evaluation["mean"] if evaluation else float("nan")

    def score(self, kind: str) -> float:
        """`training` or `evaluation`."""
        return self.training_return if kind == "training" else self.greedy_return

    def typical(self, tag: str) -> float:
        """The median of a tag over training, NaN where it was never logged."""
        values = self.columns.get(tag, np.array([np.nan]))
        return float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")


def find_runs(folders: Sequence[Path]) -> list[Run]:
    """All run directories at or below the folders, by path; ConfigError where there is none."""
    from rl.errors import require

    missing = [str(folder) for folder in folders if not folder.is_dir()]
    require(not missing, f"{', '.join(missing)} is not a folder.")
    files = sorted({file for folder in folders for file in folder.rglob("summary.json")})
    runs = [_read(file.parent) for file in files if (file.parent / ".hydra" / "config.yaml").exists()]
    where = ", ".join(map(str, folders))
    require(bool(runs), f"{where} holds no run directory: none with summary.json and .hydra/config.yaml below it.")
    return runs


def _read(path: Path) -> Run:
    summary = json.loads((path / "summary.json").read_text())
    config = OmegaConf.load(path / ".hydra" / "config.yaml")
    choices = OmegaConf.load(path / ".hydra" / "hydra.yaml").choices
    groups = {
        group: choice for group, choice in choices.items() if not group.startswith("hydra/") and choice is not None
    }
    values = {key: value for key, value in flat(config).items() if not key.startswith((*IGNORED, "environment"))}
    task = _task(groups["environment"], flat(config))
    parts = {group: str(choice) for group, choice in groups.items() if group not in ("environment", "experiment")}
    parts |= {key: _text(value) for key, value in values.items() if not key.endswith(("_target_", "_convert_"))}
    columns = _columns(path / "metrics.csv")
    return Run(path, task, int(summary["seed"]), summary["status"], summary, tuple(groups), parts, columns)


def _task(choice: str, config: dict[str, Any]) -> str:
    """The environment, by Gymnasium's name where only that tells it."""
    name = config.get("environment.id")
    return str(name) if choice == "gymnasium" and name else choice


def _text(value: Any) -> str:
    words = {True: "true", False: "false", None: "null"}
    if value is None or isinstance(value, bool):
        return words[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _columns(file: Path) -> dict[str, np.ndarray]:
    if not file.exists():
        return {"step": np.zeros(0), "episode/return": np.zeros(0)}
    with file.open() as handle:
        header, *rows = csv.reader(handle)
    table = np.array([[float(cell) if cell else np.nan for cell in row] for row in rows], float)
    return dict(zip(header, table.reshape(-1, len(header)).T, strict=True))


def differing(runs: Sequence[Run]) -> list[str]:
    """The keys by which the runs differ; of a group whose choice differs, the choice alone."""
    keys = dict.fromkeys(key for run in runs for key in run.parts)
    found = [key for key in keys if len({run.parts.get(key) for run in runs}) > 1]
    inside = tuple(f"{key.replace('/', '.')}." for key in found if key in runs[0].choices)
    return [key for key in found if not key.startswith(inside)] if inside else found
