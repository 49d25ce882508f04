"""A sweep's journal: a folder with a file for what became of each job, whatever process ran it."""

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
"""What makes the command end with exit code 1."""


class Outcome(NamedTuple):
    """What became of one job.

    status: done, resumed (and then done), skipped (complete already), evaluated (complete
    already, and evaluated again), elsewhere (another process trains it),
    interrupted, or one of `FAILED`: failed in training, refused before it, died without a word, failed earlier and not
    asked for again. score: what a sweeper gets, null where there is none. name: what the sweep gave it.
    """

    status: str
    score: float | None = None
    why: str = ""
    where: str = ""
    number: int = 0
    name: str = ""
    seconds: float = 0.0


def new_journal(folder: Path, arguments: Sequence[str]) -> Path:
    """An empty folder for this process; those that dead processes of this machine left behind are removed."""
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
    """Removes what a journal consists of, and the folder if nothing else is in it; never an error."""
    with contextlib.suppress(OSError):
        for file in journal.iterdir():
            if file.name in (ARGUMENTS, MARKER, f"{MARKER}.partial") or re.fullmatch(r"\d+\.(json|partial)", file.name):
                file.unlink()
        journal.rmdir()


def _is_hardly_begun(journal: Path) -> bool:
    """Whether there is nothing in it but what a process leaves that died before its marker."""
    return journal.is_dir() and {file.name for file in journal.iterdir()} <= {f"{MARKER}.partial"}


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def write(journal: Path, outcome: Outcome) -> None:
    """A job goes on without its line in the table, if it has to: a disk may be full."""
    try:
        journal.mkdir(exist_ok=True)
        partial = journal / f"{outcome.number}.partial"
        partial.write_text(plain_json.dumps(outcome._asdict()))
        partial.replace(journal / f"{outcome.number}.json")
    except OSError as error:
        print(f"{outcome.name}: {outcome.status}, which could not be written down: {error}", file=sys.stderr)


def read(journal: Path) -> list[Outcome]:
    """All outcomes, in the jobs' order."""
    outcomes = [Outcome(**json.loads(file.read_text())) for file in journal.glob("[0-9]*.json")]
    return sorted(outcomes, key=lambda outcome: outcome.number)


def arguments(journal: Path) -> list[str]:
    """What the sweep was asked for; nothing where somebody cleared the journal away."""
    try:
        return json.loads((journal / ARGUMENTS).read_text())
    except OSError:
        return []
