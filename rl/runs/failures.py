"""What stopped a run: numbers that are not finite, and what was raised inside an environment."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from rl.environments import Environment
from rl.errors import BadEnvironmentError, NonFiniteError
from rl.instruments.diagnosis import diagnose, environments_fault, save_fault
from rl.learning.learner import Learner
from rl.learning.programs import Basis, Programs
from rl.runs.record import Record
from rl.runs.storage import storing


def failure(
    learner: Learner, programs: Programs, record: Record, basis: Basis, *, run: int, bad_round: int, step: int
) -> NonFiniteError | BadEnvironmentError:
    """Where the number that is not finite came from; the minibatch is kept, unless the environment gave the number.

    Args:
        basis: what the iteration learnt from, of all runs.
        run: which of them failed; record: its own.
        bad_round: as `Learner.learn` reports it.
        step: environment steps done.
    """
    share = tf.nest.map_structure(lambda x: learner.axis.take(x, run), programs.learnt_from(basis))
    if environments := environments_fault(learner, *share):
        return BadEnvironmentError(environments)
    fault = diagnose(learner, *share, bad_round)
    file = record.directory.path / "failure.npz"
    with storing(record.directory.path):
        save_fault(fault, learner.model.network.names, file)
    return NonFiniteError(
        f"{fault} (step {step:,}). The minibatch and the weights it met are in {file}. "
        "Usual causes: a learning rate that is too high (optimizer.learning_rate), rewards of a large scale "
        "(normalize)."
    )


def raised_inside(error: BaseException, environments: Sequence[Environment]) -> BaseException:
    """What was raised inside an environment, which TensorFlow wraps; otherwise the error itself."""
    if not isinstance(error, tf.errors.OpError):
        return error
    return next((one.exception for one in environments if getattr(one, "exception", None)), error)


def close(environment: Environment, say: Callable[[str], None]) -> None:
    """Closes it, and says so where that does not go well: what the run came to stands already."""
    try:
        environment.close()
    except (Exception, KeyboardInterrupt) as error:
        say(f"Not closed: {error or type(error).__name__}.")
