"""Runs a function so that an interrupt cannot come in its middle, without a signal handler."""

import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def interruptible(function: Callable[[Callable[[], bool]], Result]) -> Result:
    """Runs `function(stop)` in another thread, and returns its result or raises its error.

    Only the main thread gets KeyboardInterrupt, so that none can come between a training program and its log. `stop()`
    then becomes true, and the interrupt is raised once the function has returned.
    """
    stop, done = threading.Event(), threading.Event()
    result: list[Result] = []
    error: list[BaseException] = []

    def run() -> None:
        """The thread."""
        try:
            result.append(function(stop.is_set))
        except BaseException as raised:
            error.append(raised)
        finally:
            done.set()

    threading.Thread(target=run, name="tapestry", daemon=True).start()
    interrupt: KeyboardInterrupt | None = None
    while not done.is_set():  # Thread.join may take a running thread for a finished one after an interrupt
        try:
            done.wait(0.2)  # an interrupt need not wake a thread that waits without a limit
        except KeyboardInterrupt as raised:
            interrupt = raised
            stop.set()
    if error:
        raise error[0]
    if interrupt is not None:
        raise interrupt
    return result[0]
