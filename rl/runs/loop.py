"""The loop as a generator: how long to run, what to log and when to save are its user's business."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rl.learning.axis import Axis
from rl.learning.chunk import Chunk
from rl.learning.programs import Programs

_SECONDS_PER_CALL = 0.4  # signals are heard between host calls only


class Stretch(NamedTuple):
    """Some iterations and how long they took."""

    first_iteration: int
    num_iterations: int
    chunk: Chunk
    seconds: float

    def of(self, axis: Axis, run: int) -> "Stretch":
        """One run's share, where several train in one program."""
        return self._replace(chunk=self.chunk.of(axis, run))

    def without_last(self) -> "Stretch":
        """All but the last iteration, of one run."""
        return self._replace(num_iterations=self.num_iterations - 1, chunk=self.chunk.without_last())


def iterations(
    programs: Programs, *, start: int, end: int, boundaries: Sequence[int], stop: Callable[[], bool]
) -> Iterator[Stretch]:
    """Runs iterations start … end − 1, several a host call.

    Args:
        boundaries: a stretch ends at every multiple of each of these numbers of iterations.
        stop: asked between host calls; ends the loop where true.
    """
    iteration, pace = start, None
    while iteration < end and not stop():
        limit = min([end, *((iteration // every + 1) * every for every in boundaries)])
        count = 1 if pace is None else max(1, min(limit - iteration, int(_SECONDS_PER_CALL / pace)))
        began = time.perf_counter()
        chunk = programs.iterate(count)
        seconds = time.perf_counter() - began
        done = len(chunk.metrics["bad_update"])
        yield Stretch(iteration, done, chunk, seconds)
        iteration += done
        pace = seconds / done
        if (chunk.metrics["bad_update"][-1] >= 0).any():
            return
