"""Ctrl-C at a bad moment: held back until it can be acted on."""

import contextlib
import signal
import threading
from collections.abc import Iterator


class _Deferral:
    """The handler of SIGINT while it is held back."""

    def __init__(self):
        self._came, self._before = False, signal.getsignal(signal.SIGINT)

    def __call__(self, *_):
        self._came = True

    def end(self) -> None:
        """Puts the handler back that was there before; a Ctrl-C that came meanwhile comes now."""
        signal.signal(signal.SIGINT, self._before)
        if self._came:
            self._came = False
            signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def deferred_interrupt() -> Iterator[None]:
    """Within it Ctrl-C waits for the end, in the main thread; for what takes less than a second.

    Python drops an exception that a signal raises in the hooks around a fork, and the signal with it. One that it
    raises while a lock is being taken or released, as a pool of threads does all the time, may leave the lock taken.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is None:
        yield  # only the main thread hears it; or what hears it is not Python
        return
    deferral = _Deferral()
    signal.signal(signal.SIGINT, deferral)
    try:
        yield
    finally:
        deferral.end()


@contextlib.contextmanager
def heard_interrupt() -> Iterator[None]:
    """Within it Ctrl-C does not wait, though it is deferred around it: for what may take long."""
    deferral = signal.getsignal(signal.SIGINT)
    if not isinstance(deferral, _Deferral):
        yield
        return
    deferral.end()
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, deferral)
