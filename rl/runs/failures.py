"""Why a run stopped: non-finite numbers, and exceptions raised inside an environment."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from rl.environments import Environment
from rl.errors import BadEnvironmentError, NonFiniteError
from rl.instruments.diagnosis import diagnose, environments_fault, save_fault
from rl.learning.chunk import Chunk
from rl.learning.learner import Learner
from rl.learning.programs import Programs
from rl.runs.record import Record
from rl.runs.storage import storing


def failure(
    learner: Learner, programs: Programs, record: Record, chunk: Chunk, *, run: int, step: int
) -> NonFiniteError | BadEnvironmentError:
    """Diagnoses where a non-finite number came from, and saves the minibatch unless the environment returned it.

    Args:
        record, chunk: of the run that failed; it failed in the chunk's last iteration.
        run: its index among the runs of the program.
        step: environment steps done.
    Returns: the error to raise; BadEnvironmentError where the environment returned the number.
    Raises: StorageError where `failure.npz` cannot be written.
    """
    share = tf.nest.map_structure(lambda x: learner.axis.take(x, run), programs.learnt_from(chunk.basis))
    if learner.alternates:
        rings = tf.nest.map_structure(lambda x: learner.axis.take(x, run), programs.variables.sources)
        share = (share[0]._replace(sources=rings), share[1])
    if environments := environments_fault(learner, *share):
        return BadEnvironmentError(environments)
    fault = diagnose(learner, *share, int(chunk.metrics["bad_update"][-1]))
    file = record.directory.path / "failure.npz"
    with storing(record.directory.path):
        save_fault(fault, learner.model.network.names, file)
    return NonFiniteError(
        f"{fault} (step {step:,}). The minibatch and the weights it met are in {file}. "
        "Usual causes: a learning rate that is too high (optimizer.learning_rate), rewards of a large scale "
        "(normalize)."
    )


def raised_inside(error: BaseException, environments: Sequence[Environment]) -> BaseException:
    """The exception raised inside an environment, which TensorFlow wraps; otherwise the error itself.

    environments: all that were running; each keeps its exception.
    """
    if not isinstance(error, tf.errors.OpError):
        return error
    return next((one.exception for one in environments if getattr(one, "exception", None)), error)


def in_words(error: BaseException) -> str:
    """An error's class and message; for TensorFlow's errors, whose other lines describe the graph, the first line."""
    words = str(error).partition("\n")[0] if isinstance(error, tf.errors.OpError) else str(error)
    return f"{type(error).__name__}: {words}"


def close(environment: Environment, say: Callable[[str], None]) -> None:
    """Closes an environment; an error is only reported, since the results of the run are saved already.

    say: receives a sentence on the error, KeyboardInterrupt included.
    """
    try:
        environment.close()
    except (Exception, KeyboardInterrupt) as error:
        say(f"Not closed: {error or type(error).__name__}.")
