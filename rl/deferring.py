"""Defers Ctrl-C (SIGINT) over short sections of code that an exception must not interrupt.

`deferred_interrupt` delays the signal; `heard_interrupt` lifts the delay for a longer operation within it.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator


class _Deferral:
    """The handler of SIGINT during a deferral: it records that the signal arrived."""

    def __init__(self):
        self._came, self._before = False, signal.getsignal(signal.SIGINT)

    def __call__(self, *_):
        self._came = True

    def end(self) -> None:
        """Restores the previous handler, and delivers a Ctrl-C that arrived meanwhile."""
        signal.signal(signal.SIGINT, self._before)
        if self._came:
            self._came = False
            signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def deferred_interrupt() -> Iterator[None]:
    """Context manager that defers Ctrl-C until its end; for code that takes less than a second.

    It has no effect outside the main thread, since only the main thread receives signals.

    Two kinds of code need it. In the hooks around a fork, Python swallows an exception that a signal handler raises,
    and the Ctrl-C is lost. While a lock is acquired or released, as in a thread pool, such an exception may leave the
    lock held.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is None:
        yield  # not the main thread, or a handler that was not installed from Python
        return
    deferral = _Deferral()
    signal.signal(signal.SIGINT, deferral)
    try:
        yield
    finally:
        deferral.end()


@contextlib.contextmanager
def heard_interrupt() -> Iterator[None]:
    """Context manager that lets Ctrl-C take effect within an enclosing deferral; for code that may take long.

    A Ctrl-C that was deferred before takes effect at its start. Without an enclosing deferral it does nothing.
    """
    deferral = signal.getsignal(signal.SIGINT)
    if not isinstance(deferral, _Deferral):
        yield
        return
    deferral.end()
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, deferral)
