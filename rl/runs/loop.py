"""The training loop as a generator: its user decides what to log, when to save and when to stop."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rl.learning.axis import Axis
from rl.learning.chunk import Chunk
from rl.learning.programs import Programs

_SECONDS_PER_CALL = 0.4  # signals are noticed between host calls only


class Stretch(NamedTuple):
    """Consecutive iterations of one host call.

    first_iteration: from 0. chunk: what they left to log, of all runs of the program. seconds: their wall time.
    """

    first_iteration: int
    num_iterations: int
    chunk: Chunk
    seconds: float

    def of(self, axis: Axis, run: int) -> "Stretch":
        """One run's share of the stretch, where several runs train in one program."""
        return self._replace(chunk=self.chunk.of(axis, run))

    def without_last(self) -> "Stretch":
        """One run's stretch without its last iteration."""
        return self._replace(num_iterations=self.num_iterations - 1, chunk=self.chunk.without_last())


def iterations(
    programs: Programs, *, start: int, end: int, boundaries: Sequence[int], stop: Callable[[], bool]
) -> Iterator[Stretch]:
    """Runs iterations start … end − 1, as many per host call as take about 0.4 s.

    Args:
        programs: of the run; their variables must be those after iteration start − 1.
        start, end: iterations from 0, end excluded.
        boundaries: a stretch ends at every multiple of each of these numbers of iterations.
        stop: asked between host calls; ends the loop when true.
    Yields: a stretch for each host call; none follows one whose last iteration has a non-finite update.
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
