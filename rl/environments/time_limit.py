"""A time limit for Python code that may hang."""

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Context manager that raises TimeoutError inside the `with` block once the limit is exceeded.

    It uses SIGALRM, which only the main thread receives: other threads have no limit. A C function that does not return
    to the interpreter is not interrupted.

    Args: seconds: the limit, > 0.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(*_):
        raise TimeoutError(f"not done in {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
