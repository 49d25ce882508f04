"""Sweeps: every job records its outcome, no job stops the others, and the command ends with a table of all jobs.

Hydra's sweeper turns the overrides into jobs, and its launcher runs them: one after another in this process, or in
processes of joblib, submitit or Ray. Wherever a job runs, it writes its outcome into the sweep's journal
(`sweep_journal`), whose folder it knows from an environment variable that Hydra sets.
"""

import os
import sys
import sysconfig
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

import rl
from rl.commands import sweep_journal
from rl.commands.choices import config_folders
from rl.commands.command_line import asks_for_a_sweep, quoted_text, unknown_choice
from rl.commands.run_names import JOURNAL, varied_keys
from rl.commands.sweep_journal import FAILED, Outcome
from rl.commands.threads import available_cores

_SUBMITIT = ("hydra.launcher.cpus_per_task='${num_threads:}'",)
_LAUNCHERS = {
    "joblib": ("hydra.launcher.n_jobs='${jobs_at_once:${num_threads:}}'", "hydra.launcher.batch_size=1"),
    "submitit_local": _SUBMITIT,
    "submitit_slurm": _SUBMITIT,
    "ray": (
        "hydra.launcher.ray.init.address=${oc.env:RAY_ADDRESS,null}",
        # The launcher would set it, and Ray accepts none for a cluster that is already running.
        "+hydra.launcher.ray.init.object_store_memory=null",
        "+hydra.launcher.ray.init.runtime_env={env_vars:{PYTHONPATH:'${worker_path:}'}}",
        "+hydra.launcher.ray.remote.num_cpus='${num_threads:}'",
        "+hydra.launcher.ray.remote.max_retries=0",
    ),
}
"""{option of hydra/launcher: its overrides}, which set the threads of a job, and on Ray the folders of the modules.

They are overrides, not config files, since Hydra would take a config file with a launcher's name for its schema."""

_OPTUNA = ("hydra.sweeper.direction=maximize", "hydra.sweeper.max_failure_rate=1")
"""Overrides for hydra/sweeper=optuna: scores are maximised, and trials without a score are tolerated."""


def command(main: Callable[[], None]) -> int:
    """Runs the training command, a single run or a sweep; returns its exit code.

    A sweep gets a journal, the overrides that its launcher and sweeper need, and a table at its end. Its exit code is 1
    where a job failed, 2 where it cannot start, 130 after Ctrl-C.

    Args:
        main: Hydra's main function, which reads `sys.argv`.
    """
    overrides = [given for given in sys.argv[1:] if "=" in given and not given.startswith("-")]
    if wrong := unknown_choice(overrides, config_folders(sys.argv[1:])):
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    if not any(map(asks_for_a_sweep, sys.argv[1:])) or {"-h", "--help", "--cfg", "-c", "--info"} & set(sys.argv[1:]):
        main()
        return 0
    try:
        if "${" in str(Path.cwd()):
            raise OSError("Hydra would take ${ in its path for an interpolation")
        journal = sweep_journal.new_journal(Path.cwd(), overrides)
    except OSError as error:
        print(f"error: no sweep can run in the working directory {Path.cwd()}: {error}.", file=sys.stderr)
        return 2
    sys.argv[1:] = _with_settings(sys.argv[1:], journal)
    os.environ["PYTHONPATH"] = os.pathsep.join(worker_path())  # for the processes of joblib, submitit and Ray
    began, code = time.monotonic(), 0
    try:
        main()
    except KeyboardInterrupt:
        code = 130
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except Exception as error:  # raised by a launcher: a worker that dies ends joblib's whole pool
        print(
            f"error: the launcher stopped: {type(error).__name__}: {error}. Jobs that had not begun are not in the "
            "table; the same command starts them.",
            file=sys.stderr,
        )
        code = 1
    outcomes = [_cut_off(outcome) if code == 130 else outcome for outcome in sweep_journal.read(journal)]
    sweep_journal.remove(journal)
    if outcomes:
        from rl.commands.sweep_table import print_table

        print_table(outcomes, time.monotonic() - began)
    failed = any(outcome.status in FAILED for outcome in outcomes)
    return code or int(failed)


def _cut_off(outcome: Outcome) -> Outcome:
    """The outcome after Ctrl-C: a job that did not write its end was interrupted."""
    if outcome.status != "died":
        return outcome
    return outcome._replace(
        status="interrupted", why="cut off; jobs that a cluster's launcher started may still be running"
    )


def job(run: Callable[[], Outcome], name: str, *, mistakes: Mapping[type[Exception], str]) -> float | None:
    """Runs one job of a sweep and writes its outcome into the journal; errors do not reach the other jobs.

    Args:
        run: trains, and returns status, score and where; number, name and seconds are filled in here.
        name: of the job, where the sweep varies no override.
        mistakes: {error: status} of the errors that are a user's, which are shown without a traceback.
    Returns: the score; None where there is none, which Optuna counts as a failed trial and tolerates.
    Raises: only what is not an `Exception`, such as SystemExit(130) after a signal, which ends the sweep.
    """
    began, journal = time.monotonic(), Path(os.environ[JOURNAL])
    name = ", ".join(_swept(HydraConfig.get().overrides.task)) or name
    outcome = Outcome("died", why="its process ended without a last word", number=HydraConfig.get().job.num, name=name)
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
            journal, outcome._replace(status="interrupted", why="the same command resumes it", seconds=seconds)
        )
        raise
    outcome = outcome._replace(seconds=time.monotonic() - began)
    sweep_journal.write(journal, outcome)
    shown = "" if outcome.score is None else f" {outcome.score:.1f}"
    print(f"{name}: {outcome.status}{shown}{': ' if outcome.why else ''}{outcome.why}", flush=True)
    return outcome.score


def swept_keys() -> list[str]:
    """The keys that this sweep varies, always with `seed`: of the overrides, and of a sweeper's `params`."""
    varied = varied_keys(sweep_journal.arguments(Path(os.environ[JOURNAL])))
    params = HydraConfig.get().sweeper.get("params") or {}
    return list(dict.fromkeys([*varied, *map(str, params), "seed"]))


def _swept(overrides: Sequence[str]) -> list[str]:
    """The overrides of a job whose keys the sweep varies; together they are the job's name in the table.

    Args:
        overrides: all overrides of the job, as Hydra composed it.
    """
    keys = swept_keys()
    return [given for given in overrides if given.lstrip("+").split("=", 1)[0] in keys]


def worker_path() -> list[str]:
    """PYTHONPATH for the processes of a launcher: this package's folder unless it is installed, then the user's own.

    The paths are absolute, since a job may run in another folder.
    """
    folder = Path(rl.__file__).resolve().parent.parent
    installed = folder in (Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib"))
    given = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    return list(dict.fromkeys([*([] if installed else [str(folder)]), *map(os.path.abspath, given)]))


def jobs_at_once(threads: int) -> int:
    """The number of jobs with `threads` threads each that this machine's cores can run at once, ≥ 1."""
    return max(1, available_cores() // max(1, int(threads)))


def register_resolvers() -> None:
    """Registers `jobs_at_once` and `worker_path`, used by the overrides of launchers; Hydra resolves them per sweep."""
    OmegaConf.register_new_resolver("jobs_at_once", jobs_at_once, replace=True)
    OmegaConf.register_new_resolver("worker_path", lambda: os.pathsep.join(worker_path()), replace=True)


register_resolvers()


def _with_settings(arguments: Sequence[str], journal: Path) -> list[str]:
    """Adds the overrides that every job of the sweep gets to the command line; the user's come later and win.

    Hydra accepts no flag between two overrides, so the flags of a sweep come first and all overrides are consecutive.

    Args:
        arguments: the user's command line, without the program.
        journal: the folder of the sweep's journal.
    """
    flags = [text for text in arguments if text.startswith("-") and asks_for_a_sweep(text)]
    rest = [text for text in arguments if text not in flags]
    given = [place for place, text in enumerate(rest) if "=" in text and not text.startswith("-")]
    first = given[0] if given else len(rest)
    return [*flags, *rest[:first], *_settings(journal, arguments), *rest[first:]]


def _settings(journal: Path, arguments: Sequence[str]) -> list[str]:
    """The overrides of a sweep: its journal, its folder, and what the chosen launcher and sweeper need.

    Args:
        arguments: the user's command line.
    """
    launchers = [given.split("=", 1)[1] for given in arguments if given.startswith("hydra/launcher=")]
    return [
        f"+hydra.job.env_set.{JOURNAL}={quoted_text(str(journal))}",
        # Absolute, since a job may run in another folder.
        f"hydra.sweep.dir={quoted_text(f'{Path.cwd()}/runs/${{run_group:}}')}",
        *(setting for launcher in launchers for setting in _LAUNCHERS.get(launcher, ())),
        *(_OPTUNA if "hydra/sweeper=optuna" in arguments else ()),
    ]
