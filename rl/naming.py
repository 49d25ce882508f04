"""Programs whose names are the same in every process, so that the compilation cache finds them again.

TensorFlow appends a number from a process-wide counter to the name of every function, loop body and branch. The names
are part of the compiled program and of its key in the cache, so the key would depend on what the process traced
before. Here each program has its own counter, which starts at a hash of the program's identity.
"""

import contextlib
import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import ops

_NAMES = 10**6  # numbers reserved for one program; TensorFlow's own counter stays below the first reserved one
_BLOCKS = 2**40  # blocks of numbers, few enough that all numbers are int64
_taken: set[int] = set()
_lock = threading.Lock()
_thread = threading.local()
_next_of_process = ops.uid


def _next() -> int:
    """The next number of the innermost program that is being traced, else of TensorFlow's own counter."""
    counts = getattr(_thread, "counts", None)
    return next(counts[-1]) if counts else _next_of_process()


ops.uid = _next
ops.get_default_graph()  # takes one number, once a process: before any program does


class Program:
    """A `tf.function` whose names depend on its identity alone.

    Calling it runs the program, tracing it first for arguments of new shapes or dtypes. AutoGraph is off: it would take
    longer than the tracing, and no code here needs it. A program may call others; each has its own counter.
    """

    def __init__(self, python: Callable, *, compiled: bool | None, identity: Any):
        """
        Args:
            python: the function to trace.
            compiled: whether XLA compiles it; None leaves the choice to the calling program.
            identity: distinguishes the program from others of the same function; its `repr` must be the same in every
                process. Programs of one process with the same identity get different names, by order of creation.
        """
        self.__name__, self.__qualname__ = python.__name__, f"Program({python.__qualname__})"
        self._function = tf.function(python, jit_compile=compiled, autograph=False)
        self._counts = itertools.count(_NAMES * (1 + _block(f"{python.__qualname__} {identity!r}")))

    def __call__(self, *arguments):
        """Runs the program and returns its outputs; traces it first for arguments of new shapes or dtypes."""
        with _counting(self._counts):
            return self._function(*arguments)

    def traced(self, *arguments):
        """The concrete function for arguments of these shapes and dtypes; nothing is executed."""
        with _counting(self._counts):
            return self._function.get_concrete_function(*arguments)

    @property
    def num_traces(self) -> int:
        """Number of times that the Python function was traced."""
        return self._function.experimental_get_tracing_count()


@contextlib.contextmanager
def _counting(counts: Iterator[int]):
    """Context manager in which this thread's names take their numbers from `counts`; nested programs use their own."""
    if not hasattr(_thread, "counts"):
        _thread.counts = []
    _thread.counts.append(counts)
    try:
        yield
    finally:
        _thread.counts.pop()


def _block(identity: str) -> int:
    """The program's block of numbers: a hash of its identity, or the next free block in this process."""
    block = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:5], "big")
    with _lock:
        while block in _taken:
            block = (block + 1) % _BLOCKS
        _taken.add(block)
    return block
