"""Programs whose names are the same in every process, so that a compilation cache on the disk finds them again.

TensorFlow ends the name of every function, loop body and branch in a number that counts everything so named in the
process; the names enter the compiled program, and the cache's key. Here each program counts from a number of its own,
which follows from what the program is.
"""

import contextlib
import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import ops

_ROOM = 10**6  # names of one program; TensorFlow's own count stays far below the first program's
_PLACES = 2**40  # so that _ROOM times any of them is an int64
_taken: set[int] = set()
_lock = threading.Lock()
_here = threading.local()
_next_of_process = ops.uid


def _next() -> int:
    counts = getattr(_here, "counts", None)
    return next(counts[-1]) if counts else _next_of_process()


ops.uid = _next
ops.get_default_graph()  # made once in a process, and numbered: before any program counts


class Program:
    """A `tf.function` without AutoGraph, which would take longer over our code than the tracing."""

    def __init__(self, python: Callable, *, compiled: bool | None, identity: Any):
        """
        Args:
            compiled: whether it is an XLA program; None where the caller decides.
            identity: what tells the program from others, the same in every process by its `repr`. Programs of one
                process that share it are numbered, so that names stay unique.
        """
        self.__name__, self.__qualname__ = python.__name__, f"Program({python.__qualname__})"
        self._function = tf.function(python, jit_compile=compiled, autograph=False)
        self._counts = itertools.count(_ROOM * (1 + _place(f"{python.__qualname__} {identity!r}")))

    def __call__(self, *arguments):
        """What the function returns."""
        with _counting(self._counts):
            return self._function(*arguments)

    def traced(self, *arguments):
        """The concrete function for such arguments; nothing runs."""
        with _counting(self._counts):
            return self._function.get_concrete_function(*arguments)

    @property
    def num_traces(self) -> int:
        """How often Python was run to make the program."""
        return self._function.experimental_get_tracing_count()


@contextlib.contextmanager
def _counting(counts: Iterator[int]):
    if not hasattr(_here, "counts"):
        _here.counts = []
    _here.counts.append(counts)
    try:
        yield
    finally:
        _here.counts.pop()


def _place(identity: str) -> int:
    """A number that follows from the identity; the next free one where it is taken already."""
    place = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:5], "big")
    with _lock:
        while place in _taken:
            place = (place + 1) % _PLACES
        _taken.add(place)
    return place
