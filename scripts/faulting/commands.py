"""Runs the project's scripts, inside this process or as processes of their own."""

import atexit
import contextlib
import io
import multiprocessing
import os
import runpy
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

SCRIPTS = Path(__file__).resolve().parent.parent
_LIMIT = 900.0  # seconds; a busy machine may be twenty times slower than a quiet one
_INTERRUPTED = 130


class Ended(NamedTuple):
    """The end of a command."""

    code: int
    """Its exit code, negative for a signal."""
    printed: str
    """What it printed."""
    errors: str = ""
    """What it printed to standard error, if that was kept apart."""

    @property
    def traceback(self) -> bool:
        """Whether it printed a traceback."""
        return "Traceback (most recent call last)" in self.printed


def call(folder: Path, script: str, *arguments: str) -> tuple[int, str, str]:
    """Runs scripts/<script> as __main__ inside this process, in a folder.

    Returns: exit code, standard output, standard error.
    """
    from hydra.core.hydra_config import HydraConfig

    printed, errors = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", [str(SCRIPTS / script), *arguments]),
        patch.object(HydraConfig.instance(), "cfg", None),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(errors),
    ):
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
    return code, printed.getvalue(), errors.getvalue()


def ended(folder: Path, script: str, *arguments: str, interrupts_itself: bool = False) -> Ended:
    """`call`, with an exception as in a process of its own: a traceback and exit code 1.

    Args:
        interrupts_itself: whether exit code 130 is the command's own doing.
    Raises: KeyboardInterrupt where the command was interrupted, since the signal was meant for this process.
    """
    try:
        code, printed, errors = call(folder, script, *arguments)
    except Exception:
        return Ended(1, traceback.format_exc())
    if code == _INTERRUPTED and not interrupts_itself:
        raise KeyboardInterrupt
    return Ended(code, printed + errors)


class Process:
    """A command as a process that leads its own process group.

    It is forked from a process that has imported TensorFlow and executed no operation, which saves the time of the
    import; with `own` it is a new interpreter instead.
    """

    def __init__(
        self,
        folder: Path,
        script: str,
        *arguments: str,
        own: bool = False,
        apart: bool = False,
        environment: Mapping[str, str] | None = None,
    ):
        """
        Args:
            folder: the current directory.
            script: scripts/<script>.
            own: whether it is a new interpreter.
            apart: whether standard error is kept apart from standard output.
            environment: variables to set; PYTHONPATH is added to the places of modules.
        """
        self._output = folder / f".output_{time.monotonic_ns()}"
        self._errors = self._output.with_suffix(".errors") if apart else self._output
        outputs = str(self._output), str(self._errors)
        context = multiprocessing.get_context("spawn") if own else _forking()
        given = (str(folder), outputs, script, arguments, environment or {}, not own)
        self._process = context.Process(target=_as_main, args=given)
        self._process.start()

    @property
    def pid(self) -> int:
        """The number of the process and of its group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process still runs."""
        return self._process.is_alive()

    def signal(self, number: int, *, group: bool = False) -> None:
        """Sends a signal to the process, or to its whole group."""
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.pid, number)

    def wait(self) -> Ended:
        """Waits for the end of the process; after `_LIMIT` seconds its group is killed."""
        self._process.join(_LIMIT)
        if self._process.is_alive():
            self.signal(signal.SIGKILL, group=True)
            self._process.join()
            said = f"{_taken(self._output)}\nkilled after {_LIMIT:.0f} s without an end"
            return Ended(-9, said, _taken(self._errors))
        return Ended(self._process.exitcode, _taken(self._output), _taken(self._errors))

    def left(self) -> list[int]:
        """The numbers of the running processes of its group."""
        return [pid for pid in _processes() if _group(pid) == self.pid]


def _forking() -> Any:
    """The context of processes forked from one with `faulting.imported`, which is started if it does not run yet.

    Python before 3.12.4 looks for what that process is to import in PYTHONPATH alone, and says nothing where it is not
    found there (python/cpython#117378).
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["faulting.imported"])
    places = [str(SCRIPTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    with patch.dict(os.environ, PYTHONPATH=os.pathsep.join(places)):
        forkserver.ensure_running()
    return context


def _taken(file: Path) -> str:
    """The text of a file, which is removed; empty without one."""
    text = file.read_text(errors="replace") if file.exists() else ""
    file.unlink(missing_ok=True)
    return text


def until(process: Process, condition: Callable[[], bool]) -> bool:
    """Waits until a condition holds or the process ends; returns whether the condition holds."""
    limit = time.monotonic() + _LIMIT
    while process.running and time.monotonic() < limit:
        if condition():
            return True
        time.sleep(0.005)
    return condition()


def _as_main(
    folder: str,
    outputs: tuple[str, str],
    script: str,
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    forked: bool,
) -> None:
    """Does in the child process what `python scripts/<script> …` does."""
    if forked and "tensorflow" not in sys.modules:
        raise RuntimeError("The process that this one was forked from has not imported faulting.imported.")
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell ignores it
    os.chdir(folder)
    for number, output in enumerate(outputs, 1):
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.environ.update(environment)
    sys.argv = [str(SCRIPTS / script), *arguments]
    added = [str(SCRIPTS), *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.path[:] = [*added, *(place for place in sys.path if place not in added)]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit:
        raise
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        sys.stderr.flush()
        if isinstance(error, KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        sys.exit(1)
    finally:
        # An interpreter ends in this order; multiprocessing would first wait for joblib's idle workers, 300 s long.
        threading._shutdown()
        atexit._run_exitfuncs()


def _processes() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())


def _group(pid: int) -> int | None:
    """The group of a process; None where the process has ended."""
    try:
        state, _, group = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return None
    return None if state == "Z" else int(group)
