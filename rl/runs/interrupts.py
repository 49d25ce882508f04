"""Ctrl-C and SIGTERM as a flag that the training loop checks between host calls."""

import os
import signal


class Interrupts:
    """A context that records SIGINT and SIGTERM instead of raising; a second Ctrl-C raises KeyboardInterrupt.

    The first one is answered at once on standard error, since the iterations that are running may take long.
    signal: the last signal received; None before any. The earlier handlers are restored at the end of the context.
    """

    def __init__(self):
        self.signal: signal.Signals | None = None
        self._before = {}

    def __enter__(self) -> "Interrupts":
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __call__(self) -> bool:
        """Whether a signal was received."""
        return self.signal is not None

    def _note(self, number: int, _frame) -> None:
        """The signal handler."""
        if self.signal is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        if self.signal is None:
            # Not by print, which a signal handler must not enter again.
            os.write(2, f"\n{signal.Signals(number).name}: ends after the running iterations.\n".encode())
        self.signal = signal.Signals(number)
