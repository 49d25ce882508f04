"""A step repeated within one compiled program, and the time that it takes."""

import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

_SECONDS = 1.0  # the least duration of one measurement


def repeated(step: Callable[[Any], Any], start: Any) -> Callable[[int], None]:
    """A compiled XLA program that applies a step a given number of times, and waits for the result.

    Args:
        step: from a nest of tensors to one of the same structure. XLA leaves out whatever does not affect the result,
            and moves whatever is the same in every step out of the loop.
        start: the nest before the first step.
    """

    @tf.function(jit_compile=True, autograph=False)
    def program(count):
        return tf.while_loop(lambda done, _: done < count, lambda done, x: (done + 1, step(x)), (tf.constant(0), start))

    def run(count: int) -> None:
        program(tf.constant(count))[0].numpy()

    run(0)
    return run


def seconds_a_step(program: Callable[[int], None], *, at_least: float = _SECONDS) -> float:
    """Seconds of one step, from a loop that is lengthened until it takes `at_least` seconds."""
    count, seconds = 1, 0.0
    while seconds < at_least:
        count = max(2 * count, round(1.2 * count * at_least / seconds)) if seconds else 2
        began = time.perf_counter()
        program(count)
        seconds = time.perf_counter() - began
    return seconds / count
