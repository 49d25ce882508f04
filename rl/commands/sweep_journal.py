"""A sweep's journal: a folder to which every job writes its outcome, in whatever process it runs.

The command that started the sweep reads it for the table at the end, and removes it. The folder is called
`.sweep_<machine>_<process>`, so that a later sweep can tell which journals a dead process left behind.
"""

import contextlib
import json
import os
import platform
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rl import plain_json
from rl.commands.run_names import ARGUMENTS
from rl.ownership import MARKER, mark, marker

_PREFIX = ".sweep_"
FAILED = ("failed", "refused", "died", "failed earlier")
"""Statuses with which the command ends with exit code 1."""


class Outcome(NamedTuple):
    """The outcome of one job.

    Args:
        status: done; resumed (and then done); skipped (complete already); evaluated (complete already, and evaluated
            again); elsewhere (another process trains it); interrupted; or one of `FAILED`: failed (in training),
            refused (before it), died (without an outcome), failed earlier (and not trained again).
        score: the number that a sweeper maximises, None without an evaluation.
        why: the reason for the status, one sentence; empty if it needs none.
        where: the run directory of the first seed.
        number: index of the job in its sweep, from 0.
        name: the overrides that the sweep varies.
        seconds: wall-clock time of the job.
    """

    status: str
    score: float | None = None
    why: str = ""
    where: str = ""
    number: int = 0
    name: str = ""
    seconds: float = 0.0


def new_journal(folder: Path, arguments: Sequence[str]) -> Path:
    """Creates this process's empty journal, and removes journals that dead processes of this machine left.

    Args:
        folder: the working directory of the sweep.
        arguments: the overrides of the sweep.
    Raises: OSError where the folder cannot be written.
    """
    ours = f"{_PREFIX}{re.sub(r'[^A-Za-z0-9-]', '-', platform.node())}_"
    for old in folder.glob(f"{ours}*"):
        process = old.name.removeprefix(ours)
        dead = process.isdigit() and (int(process) == os.getpid() or not _is_alive(int(process)))
        if dead and (marker(old, "sweep") is not None or _is_hardly_begun(old)):
            remove(old)
    journal = folder / f"{ours}{os.getpid()}"
    journal.mkdir()
    mark(journal, "sweep")
    (journal / ARGUMENTS).write_text(plain_json.dumps(list(arguments)))
    return journal


def remove(journal: Path) -> None:
    """Removes the files of a journal, and its folder if nothing else is in it; raises nothing."""
    with contextlib.suppress(OSError):
        for file in journal.iterdir():
            if file.name in (ARGUMENTS, MARKER, f"{MARKER}.partial") or re.fullmatch(r"\d+\.(json|partial)", file.name):
                file.unlink()
        journal.rmdir()


def _is_hardly_begun(journal: Path) -> bool:
    """Whether the journal holds at most a partial marker: its process died while creating it."""
    return journal.is_dir() and {file.name for file in journal.iterdir()} <= {f"{MARKER}.partial"}


def _is_alive(process: int) -> bool:
    """Whether a process with this number is running, of this user or another."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it belongs to another user
    return True


def write(journal: Path, outcome: Outcome) -> None:
    """Writes a job's outcome, replacing an earlier one of that job; raises nothing.

    On a full disk the job continues without its row in the table, and the outcome is printed to standard error.
    """
    try:
        journal.mkdir(exist_ok=True)
        partial = journal / f"{outcome.number}.partial"
        partial.write_text(plain_json.dumps(outcome._asdict()))
        partial.replace(journal / f"{outcome.number}.json")
    except OSError as error:
        print(f"{outcome.name}: {outcome.status}, which could not be written down: {error}", file=sys.stderr)


def read(journal: Path) -> list[Outcome]:
    """The outcomes of all jobs that have begun, in the order of their numbers."""
    outcomes = [Outcome(**json.loads(file.read_text())) for file in journal.glob("[0-9]*.json")]
    return sorted(outcomes, key=lambda outcome: outcome.number)


def arguments(journal: Path) -> list[str]:
    """The overrides of the sweep; none if the journal has been removed."""
    try:
        return json.loads((journal / ARGUMENTS).read_text())
    except OSError:
        return []
