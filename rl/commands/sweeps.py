"""A sweep as one command: every job says what became of it, none stops the others, and a table ends it."""

import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from rl.commands import sweep_journal
from rl.commands.composition import CONFIGS, choices_of
from rl.commands.run_names import JOURNAL, varied_keys
from rl.commands.sweep_journal import FAILED, Outcome

_SUBMITIT = ("hydra.launcher.cpus_per_task='${num_threads:}'",)
_LAUNCHERS = {
    "joblib": ("hydra.launcher.n_jobs='${jobs_at_once:${num_threads:}}'", "hydra.launcher.batch_size=1"),
    "submitit_local": _SUBMITIT,
    "submitit_slurm": _SUBMITIT,
    "ray": (
        "hydra.launcher.ray.init.address=${oc.env:RAY_ADDRESS,null}",
        # The launcher would set it, and Ray takes none for a cluster that is already running.
        "+hydra.launcher.ray.init.object_store_memory=null",
        "+hydra.launcher.ray.init.runtime_env={env_vars:{PYTHONPATH:'${worker_path:}'}}",
        "+hydra.launcher.ray.remote.num_cpus='${num_threads:}'",
        "+hydra.launcher.ray.remote.max_retries=0",
    ),
}
"""What each of Hydra's launchers has to know: how many threads a job takes, where its modules are. A configuration of
the launcher's name would be taken for its schema."""

_OPTUNA = ("hydra.sweeper.direction=maximize", "hydra.sweeper.max_failure_rate=1")
"""Returns are to be high, and what was refused is passed over."""


def command(main: Callable[[], None]) -> int:
    """Runs a command of scripts/train.py, a sweep or not; returns its exit code."""
    if not any(map(_asks_for_a_sweep, sys.argv[1:])) or {"-h", "--help", "--cfg", "-c", "--info"} & set(sys.argv[1:]):
        main()
        return 0
    try:
        if "${" in str(Path.cwd()):
            raise OSError("Hydra would take ${ in its path for an interpolation")
        overrides = [given for given in sys.argv[1:] if "=" in given and not given.startswith("-")]
        journal = sweep_journal.new_journal(Path.cwd(), overrides)
    except OSError as error:
        print(f"error: no sweep can run in the working directory {Path.cwd()}: {error}.", file=sys.stderr)
        return 2
    if wrong := _unknown_choice(overrides):
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    # Hydra's parser takes no flag between two overrides.
    flags = [text for text in sys.argv[1:] if text.startswith("-") and _asks_for_a_sweep(text)]
    sys.argv[1:] = flags + [text for text in sys.argv[1:] if text not in flags]
    given = [place for place, text in enumerate(sys.argv) if place and "=" in text and not text.startswith("-")]
    first = given[0] if given else len(sys.argv)  # overrides must stand together, and ours before the user's
    sys.argv[first:first] = _settings(journal)
    # Processes elsewhere (joblib's, submitit's, Ray's) find the modules beside train.py by this.
    os.environ["PYTHONPATH"] = os.pathsep.join(worker_path())
    began, code = time.monotonic(), 0
    try:
        main()
    except KeyboardInterrupt:
        code = 130
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except Exception as error:  # a launcher's own: a worker that died takes its whole pool along
        print(
            f"error: the launcher stopped: {type(error).__name__}: {error}. Jobs that had not begun are not in the "
            "table; the same command goes on with them.",
            file=sys.stderr,
        )
        code = 1
    outcomes = [_cut_off(outcome) if code == 130 else outcome for outcome in sweep_journal.read(journal)]
    sweep_journal.remove(journal)
    if outcomes:
        _print(outcomes, time.monotonic() - began)
    failed = any(outcome.status in FAILED for outcome in outcomes)
    return code or int(failed)


def _unknown_choice(overrides: Sequence[str]) -> str | None:
    """A sentence on the first swept choice that a config group does not have, None where there is none.

    Hydra would end the whole sweep at it, whatever the other jobs are.
    """
    for given in overrides:
        key, _, values = given.partition("=")
        offered = choices_of(key)
        for value in values.split(",") if offered and not set("()[]{}$'\"\\") & set(values) else ():
            if value.strip() not in offered and not (CONFIGS / key / f"{value.strip()}.yaml").exists():
                return f"{key}={value.strip()} is no choice of configs/{key}: there are {', '.join(offered)}."
    return None


def _asks_for_a_sweep(argument: str) -> bool:
    """-m, --multirun, or what Hydra takes for it as well."""
    return (
        argument == "-m"
        or (len(argument) > 3 and "--multirun".startswith(argument))
        or argument == "hydra.mode=MULTIRUN"
    )


def _cut_off(outcome: Outcome) -> Outcome:
    """What a job that had no last word is called after Ctrl-C."""
    if outcome.status != "died":
        return outcome
    return outcome._replace(
        status="interrupted", why="cut off; what a cluster's launcher has begun may still be running"
    )


def job(run: Callable[[], Outcome], name: str, *, mistakes: Mapping[type[Exception], str]) -> float | None:
    """One job of a sweep: its outcome is written down, and its errors are kept to itself.

    Args:
        run: trains, and returns status, score and where; number, name and seconds are filled in.
        mistakes: {error: status}, those that are a user's, which are shown without a traceback.
    Returns: the score, None where there is none: Optuna counts the trial as failed, and passes over it.
    """
    began, journal = time.monotonic(), Path(os.environ[JOURNAL])
    name = ", ".join(_swept(HydraConfig.get().overrides.task)) or name
    outcome = Outcome("died", why="its process ended without a word", number=HydraConfig.get().job.num, name=name)
    sweep_journal.write(journal, outcome)
    try:
        outcome = run()._replace(number=outcome.number, name=name)
    except Exception as error:
        status = next((status for kind, status in mistakes.items() if isinstance(error, kind)), None)
        if status is None:
            traceback.print_exc()
        why = str(error) if status else f"{type(error).__name__}: {error}"
        outcome = outcome._replace(status=status or "failed", why=why)
    except BaseException:
        seconds = time.monotonic() - began
        sweep_journal.write(
            journal, outcome._replace(status="interrupted", why="the same command goes on from here", seconds=seconds)
        )
        raise
    outcome = outcome._replace(seconds=time.monotonic() - began)
    sweep_journal.write(journal, outcome)
    shown = "" if outcome.score is None else f" {outcome.score:.1f}"
    print(f"{name}: {outcome.status}{shown}{': ' if outcome.why else ''}{outcome.why}", flush=True)
    return outcome.score


def swept_keys() -> list[str]:
    """The keys that this sweep varies, the seed among them."""
    varied = varied_keys(sweep_journal.arguments(Path(os.environ[JOURNAL])))
    params = HydraConfig.get().sweeper.get("params") or {}
    return list(dict.fromkeys([*varied, *map(str, params), "seed"]))


def _swept(overrides: Sequence[str]) -> list[str]:
    """Those of a job's overrides that the sweep varies."""
    keys = swept_keys()
    return [given for given in overrides if given.lstrip("+").split("=", 1)[0] in keys]


def worker_path() -> list[str]:
    """Where Python has to look for modules in a process elsewhere."""
    here = Path(__file__).resolve().parent
    given = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    return list(dict.fromkeys([str(here), str(here.parent), *given]))


def jobs_at_once(threads: int) -> int:
    """How many jobs of so many threads each this machine runs beside one another."""
    return max(1, len(os.sched_getaffinity(0)) // max(1, int(threads)))


def register_resolvers() -> None:
    """`jobs_at_once` and `worker_path`, for the launchers' configs."""
    OmegaConf.register_new_resolver("jobs_at_once", jobs_at_once, replace=True)
    OmegaConf.register_new_resolver("worker_path", lambda: os.pathsep.join(worker_path()), replace=True)


register_resolvers()


def _settings(journal: Path) -> list[str]:
    """Overrides that every job of the sweep gets, wherever it runs; those that the user gave go over them."""
    launchers = [given.split("=", 1)[1] for given in sys.argv[1:] if given.startswith("hydra/launcher=")]
    return [
        f"+hydra.job.env_set.{JOURNAL}={_quoted(str(journal))}",
        # Absolute, since a job may run in another folder.
        f"hydra.sweep.dir={_quoted(f'{Path.cwd()}/runs/${{run_group:}}')}",
        *(setting for launcher in launchers for setting in _LAUNCHERS.get(launcher, ())),
        *(_OPTUNA if "hydra/sweeper=optuna" in sys.argv else ()),
    ]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "\\'") + "'"


def _print(outcomes: Sequence[Outcome], seconds: float) -> None:
    """A line a job, by what the sweep gave it."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    folders = sorted({os.path.relpath(Path(outcome.where).parent) for outcome in outcomes if outcome.where})
    places = f" in {', '.join(folders[:3])}" if folders else ""
    table = Table(title=escape(f"{len(outcomes)} jobs in {seconds:.0f} s{places}"))
    for heading in ("job", "status", "score", "s", "why"):
        table.add_column(heading, justify="right" if heading in ("score", "s") else "left", overflow="fold")
    colors = {
        "done": "green",
        "resumed": "green",
        "skipped": "dim",
        "evaluated": "green",
        "interrupted": "yellow",
        "elsewhere": "yellow",
    }
    for outcome in outcomes:
        score = "" if outcome.score is None else f"{outcome.score:.1f}"
        status = f"[{colors.get(outcome.status, 'red')}]{outcome.status}[/]"
        table.add_row(escape(outcome.name), status, score, f"{outcome.seconds:.0f}", escape(outcome.why))
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    console.print(table)
    counts = Counter(outcome.status for outcome in outcomes)
    console.print(", ".join(f"{count} {status}" for status, count in counts.items()), highlight=False)
