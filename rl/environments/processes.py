"""Gymnasium environments in a process each, which neither a signal nor a death leaves in an unknown state."""

import ctypes
import functools
import multiprocessing
import multiprocessing.util
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence

import gymnasium
from gymnasium.vector import AsyncVectorEnv
from gymnasium.vector.async_vector_env import _async_worker

from rl.deferring import deferred_interrupt, heard_interrupt
from rl.environments.inspected import Inspected, MishapError
from rl.environments.origin import in_one_line
from rl.environments.time_limit import time_limit

_SECONDS_TO_CLOSE = 4.0  # for an environment
_GRACE = 5.0  # seconds for the processes to end in
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_START_METHOD = "fork" if sys.platform == "linux" else None
"""Whatever Python's default is: a fork server (from 3.14 on) would be the processes' parent, and SIGTERM ends it."""


class _ClosesInTime(gymnasium.Wrapper):
    """Closing that neither hangs nor raises: it says on standard error what went wrong."""

    def close(self) -> None:
        """Closes the environment."""
        try:
            with time_limit(_SECONDS_TO_CLOSE):
                self.env.close()
        except Exception as error:
            print(f"an environment did not close: {in_one_line(error)}", file=sys.stderr)  # noqa: T201 (no other way out)


class ProcessVector(AsyncVectorEnv):
    """Gymnasium's vector of processes, but for signals, deaths and closing.

    Ctrl-C and SIGTERM reach a whole process group (a terminal's, a batch system's): the processes ignore both, and what
    is to happen is the parent's decision. They die with the parent, however it ends. `dead` names one that died alone.
    """

    def __init__(self, make: Sequence[Callable[[], gymnasium.Env]], **options):
        """
        Args:
            make: of each environment.
            options: of Gymnasium's class; `context` is the start method of the processes.
        Raises: MishapError where a process ends before it can be asked anything.
        """
        in_main_thread = threading.current_thread() is threading.main_thread()
        try:
            worker = functools.partial(_work, dies_with_parent=in_main_thread)
            options.setdefault("context", _START_METHOD)
            # The first is also made, asked for its spaces and closed in this process.
            with deferred_interrupt():
                super().__init__([functools.partial(_closing, one) for one in make], worker=worker, **options)
        except (EOFError, OSError) as error:
            mishap = self.dead()
            _kill(self.processes)
            raise mishap or error from None
        # Before multiprocessing's own end, which would wait for processes that ignore its SIGTERM.
        self._end = multiprocessing.util.Finalize(self, _kill, (self.processes,), exitpriority=10)

    def dead(self) -> MishapError | None:
        """The first process that has ended by itself, and how; one that is just dying is waited for."""
        limit = time.monotonic() + 2.0
        while True:
            for number, process in enumerate(self.processes):
                if process.exitcode is not None:
                    return MishapError(number, _how_it_ended(process.exitcode))
            if time.monotonic() > limit:
                return None
            time.sleep(0.01)

    def close_extras(self, timeout: float | None = None, terminate: bool = False) -> None:
        """Asks the processes to close their environments, and kills those that do not in 5 s.

        Raises: MishapError afterwards, for the first that had to be killed.
        """
        limit = time.monotonic() + (0.0 if terminate else _GRACE)
        for pipe in self.parent_pipes:
            try:
                pipe.send(("close", None))
            except (OSError, ValueError):
                continue  # dead, or closed already
        for process in self.processes:
            process.join(max(0.0, limit - time.monotonic()))
        hung = [number for number, process in enumerate(self.processes) if process.is_alive()]
        self._end()
        for pipe in self.parent_pipes:
            pipe.close()
        if hung and not terminate:
            raise MishapError(hung[0], f"did not close in {_GRACE:.0f} s and was killed")

    def _check_spaces(self):
        """Waits until every process has made its environment; Ctrl-C is heard meanwhile."""
        with heard_interrupt():
            return super()._check_spaces()

    def _raise_if_errors(self, successes: Iterable[bool]) -> None:
        """Raises the exception of the first environment, as it was sent."""
        failed = list(successes).count(False)
        sent = []
        try:
            sent = [self.error_queue.get(timeout=_GRACE) for _ in range(failed)]
        except queue.Empty:
            raise RuntimeError("an environment raised what cannot be sent from its process") from None
        if sent:
            raise min(sent, key=lambda entry: entry[0])[2]


def _work(number: int, make: Callable[[], gymnasium.Env], pipe, *others, dies_with_parent: bool) -> None:
    """The life of one environment's process."""
    for meant_for_the_parent in (signal.SIGINT, signal.SIGTERM):
        signal.signal(meant_for_the_parent, signal.SIG_IGN)
    if dies_with_parent:
        _die_with_parent()
    _async_worker(number, lambda: Inspected(make(), number), pipe, *others)


def _closing(make: Callable[[], gymnasium.Env]) -> _ClosesInTime:
    with heard_interrupt():
        return _ClosesInTime(make())


def _die_with_parent() -> None:
    """From now on the parent's end is this process's, even where the parent is killed.

    On Linux; elsewhere the end of the pipe is. The signal comes with the end of the *thread* that started this process.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if not multiprocessing.parent_process().is_alive():
        os._exit(1)


def _kill(processes: Sequence[multiprocessing.Process]) -> None:
    for process in processes:
        if process.is_alive():
            process.kill()
        process.join()


def _how_it_ended(exit_code: int) -> str:
    if exit_code >= 0:
        return f"its process ended with exit code {exit_code}"
    name = signal.Signals(-exit_code).name
    memory = ", as one that runs out of memory is" if name == "SIGKILL" else ""
    return f"its process was killed by {name}{memory}"
