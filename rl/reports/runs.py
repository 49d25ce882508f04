"""The runs of a report: found in folders, read, and checked for missing rows."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rl.errors import ConfigError, require
from rl.ownership import marker
from rl.reports.objectives import leading
from rl.runs.layout import CHOICES, CONFIG, METRICS, SUMMARY
from rl.runs.reader import Metrics, RecordedRun
from rl.runs.summary_file import greedy_return


class ReportedRun(NamedTuple):
    """One run as a report compares it with others.

    path: the run directory.
    task: the environment, named by the option of its config group, or by Gymnasium's id if the option is `gymnasium`.
    status: as in summary.json, whose content is `summary`.
    choices: {config group: option}.
    parts: {key: value as text} of everything that may distinguish runs in the same environment: dotted config keys with
        their values, and config groups with their options.
    metrics: those of a completed run; without columns otherwise.
    leading: the objectives whose rows the report compares, one per group; none if no rows were logged.
    """

    path: Path
    task: str
    seed: int
    status: str
    summary: dict[str, Any]
    choices: Mapping[str, str]
    parts: dict[str, str]
    metrics: Metrics
    leading: tuple[str, ...] = ()

    @property
    def greedy_return(self) -> float:
        """The mean return of the last greedy evaluation; NaN where there is none."""
        return greedy_return(self.summary)

    def score(self, kind: str) -> float:
        """The number by which settings are compared: `last_return` of the metrics or `greedy_return`, NaN without one.

        kind: `training` or `evaluation`.
        """
        return self.metrics.last_return() if kind == "training" else self.greedy_return


class Damaged(NamedTuple):
    """A run directory that cannot be read, and the reason in words."""

    path: Path
    why: str


def find_runs(folders: Sequence[Path], recorded: Callable[[Path], Any]) -> tuple[list[ReportedRun], list[Damaged]]:
    """All run directories at or below the folders, sorted by path, each once, and those that cannot be read.

    Args:
        recorded: run directory → its `settings` and `choices` (`rl.commands.recorded`).
    Raises: ConfigError where a folder does not exist, or no run can be read.
    """
    missing = [str(folder) for folder in folders if not folder.is_dir()]
    require(not missing, f"{', '.join(missing)} is not a folder.")
    runs, damaged = [], []
    for path in _run_directories(folders):
        try:
            runs.append(_read(RecordedRun(path), recorded))
        except ConfigError as error:
            damaged.append(Damaged(path, str(error).removeprefix(f"{path}/").removesuffix(".")))
        except OSError as error:
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
    """Folders with a run's marker and a summary or metrics, or, by versions without markers, a config and a summary."""
    places = {file.resolve().parent for folder in folders for name in (SUMMARY, METRICS) for file in folder.rglob(name)}
    return sorted(
        place for place in places if marker(place, "run") is not None or not RecordedRun(place).missing(CONFIG, SUMMARY)
    )


def _read(run: RecordedRun, recorded: Callable[[Path], Any]) -> ReportedRun:
    """Reads one run directory.

    Raises: ConfigError where a file is missing or damaged, or a completed run's metrics lack rows.
    """
    absent = run.missing(SUMMARY, CONFIG, CHOICES)
    require(not absent, f"it lacks {' and '.join(absent)}")
    status = run.summary["status"]
    settings, choices = recorded(run.path)
    choices = {**choices, "auxiliary": _auxiliary(settings)}
    metrics = run.complete_metrics() if status == "completed" else Metrics()
    return ReportedRun(
        run.path,
        _task(choices["environment"], settings),
        settings["seed"],
        status,
        run.summary,
        choices,
        _parts(settings, choices),
        metrics,
        leading(metrics.columns, settings),
    )


def _auxiliary(settings: Mapping[str, Any]) -> str:
    """The options of the group `auxiliary`, `[termination]`, of which Hydra records none; they are their own keys."""
    names = dict.fromkeys(key.split(".")[1] for key in settings if key.startswith("auxiliary."))
    return f"[{','.join(sorted(names))}]"


def _parts(settings: Mapping[str, Any], choices: Mapping[str, str]) -> dict[str, str]:
    """{key: text} of what distinguishes settings within an environment."""
    parts = {group: choice for group, choice in choices.items() if group not in ("environment", "experiment")}
    told = {key: value for key, value in settings.items() if key not in ("environment.id", "environment._target_")}
    return parts | {key: _text(value) for key, value in told.items() if key != "seed" and value != {}}


def _task(choice: str, settings: Mapping[str, Any]) -> str:
    """The environment's name: the config group's option, or Gymnasium's id where the option is `gymnasium`."""
    name = settings.get("environment.id")
    return str(name) if choice == "gymnasium" and name else choice


def _text(value: Any) -> str:
    """A value as text; different values have different texts."""
    words = {True: "true", False: "false", None: "null"}
    if value is None or isinstance(value, bool):
        return words[value]
    large = f"{value:g}" if isinstance(value, int | float) and abs(value) >= 1e6 else ""
    return large if large and float(large) == value else str(value)
