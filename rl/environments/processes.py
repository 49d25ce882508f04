"""Gymnasium environments in one process each, robust to signals, crashes and hangs.

A process that crashes is reported with its environment's number and its exit code or signal; a process that hangs while
closing is killed; no process outlives its parent.
"""

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

_SECONDS_TO_CLOSE = 4.0  # time limit of one environment's `close`
_GRACE = 5.0  # seconds for the processes to end
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_START_METHOD = "fork" if sys.platform == "linux" else None
"""Set explicitly: Python's default from 3.14 on, a fork server, would be the processes' parent, and SIGTERM ends it."""


class _ClosesInTime(gymnasium.Wrapper):
    """A wrapper whose `close` takes at most 4 s and never raises; a failure is printed to standard error."""

    def close(self) -> None:
        """Closes the environment, or gives up after 4 s."""
        try:
            with time_limit(_SECONDS_TO_CLOSE):
                self.env.close()
        except Exception as error:
            print(f"an environment did not close: {in_one_line(error)}", file=sys.stderr)  # noqa: T201 (its process has no other channel)


class ProcessVector(AsyncVectorEnv):
    """Gymnasium's `AsyncVectorEnv`, with its own handling of signals, crashes and closing.

    Terminals and batch systems send SIGINT and SIGTERM to a whole process group: the processes ignore both and leave
    the decision to the parent. They end when the parent ends, for whatever reason. `dead` reports a process that ended
    on its own.

    If environments raise, Gymnasium's class raises a new exception of the last one's type; this class raises the
    original exception of the environment with the lowest number.
    """

    def __init__(self, make: Sequence[Callable[[], gymnasium.Env]], **options):
        """
        Args:
            make: one picklable constructor per environment.
            options: keyword arguments of Gymnasium's `AsyncVectorEnv`; `context` is the processes' start method.
        Raises: MishapError if a process ends during the start.
        """
        in_main_thread = threading.current_thread() is threading.main_thread()
        try:
            worker = functools.partial(_work, dies_with_parent=in_main_thread)
            options.setdefault("context", _START_METHOD)
            # Gymnasium also makes the first environment in this process, reads its spaces and closes it.
            with deferred_interrupt():
                super().__init__([functools.partial(_closing, make_one) for make_one in make], worker=worker, **options)
        except (EOFError, OSError) as error:
            mishap = self.dead()
            _kill(self.processes)
            raise mishap or error from None
        # Runs before multiprocessing's own finalizer, which would wait for processes that ignore its SIGTERM.
        self._end = multiprocessing.util.Finalize(self, _kill, (self.processes,), exitpriority=10)

    def dead(self) -> MishapError | None:
        """Reports the first process that has ended, and how it ended; waits up to 2 s for one to end.

        Returns: None if all processes are alive.
        """
        limit = time.monotonic() + 2.0
        while True:
            for number, process in enumerate(self.processes):
                if process.exitcode is not None:
                    return MishapError(number, _how_it_ended(process.exitcode))
            if time.monotonic() > limit:
                return None
            time.sleep(0.01)

    def close_extras(self, timeout: float | None = None, terminate: bool = False) -> None:
        """Asks all processes to close their environments, and kills those that have not ended after 5 s.

        Args:
            timeout: not used.
            terminate: whether to kill them at once.
        Raises: MishapError for the first process that had to be killed, after all have ended.
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
        """Waits until every process has made its environment; Ctrl-C takes effect meanwhile."""
        with heard_interrupt():
            return super()._check_spaces()

    def _raise_if_errors(self, successes: Iterable[bool]) -> None:
        """Raises the exception of the failed environment with the lowest number, as sent by its process."""
        failed = list(successes).count(False)
        sent = []
        try:
            sent = [self.error_queue.get(timeout=_GRACE) for _ in range(failed)]
        except queue.Empty:
            raise RuntimeError("an environment raised what cannot be sent from its process") from None
        if sent:
            raise min(sent, key=lambda entry: entry[0])[2]


def _work(number: int, make: Callable[[], gymnasium.Env], pipe, *others, dies_with_parent: bool) -> None:
    """The main function of one environment's process: Gymnasium's worker on an inspected environment."""
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    if dies_with_parent:
        _die_with_parent()
    _async_worker(number, lambda: Inspected(make(), number), pipe, *others)


def _closing(make: Callable[[], gymnasium.Env]) -> _ClosesInTime:
    """Makes an environment whose `close` has a time limit; Ctrl-C takes effect meanwhile."""
    with heard_interrupt():
        return _ClosesInTime(make())


def _die_with_parent() -> None:
    """Makes this process end when its parent ends, even if the parent is killed.

    On Linux the kernel sends SIGKILL when the *thread* that started this process ends. On other systems the process
    ends when its pipe closes.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if not multiprocessing.parent_process().is_alive():
        os._exit(1)


def _kill(processes: Sequence[multiprocessing.Process]) -> None:
    """Kills the processes that are still alive and waits for all of them."""
    for process in processes:
        if process.is_alive():
            process.kill()
        process.join()


def _how_it_ended(exit_code: int) -> str:
    """Describes how a process ended, from its exit code, which is negative for a signal."""
    if exit_code >= 0:
        return f"its process ended with exit code {exit_code}"
    name = signal.Signals(-exit_code).name
    memory = ", as one that runs out of memory is" if name == "SIGKILL" else ""
    return f"its process was killed by {name}{memory}"
