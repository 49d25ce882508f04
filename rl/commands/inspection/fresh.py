"""A run restored from a checkpoint, with a new rollout to take gradients on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rl.commands.restoring import load_run


class Fresh(NamedTuple):
    """A restored run with a new rollout, from which nothing has been learnt yet.

    state: the learner's, after the rollout; trajectory: the rollout, or for an agent with a memory what it draws from
    it; step: environment steps up to the checkpoint.
    """

    experiment: Any
    config: Any
    state: Any
    trajectory: Any
    step: int


def fresh_batch(run: Path, checkpoint: str, *, trusted: Sequence[str] = ()) -> Fresh:
    """Restores a checkpoint and collects one rollout with it; nothing is trained or written.

    An agent with a memory draws from the one that was saved, or where there is none from new steps of an iteration.

    Args:
        checkpoint: `newest`, `best`, or a file; trusted: packages, besides this one, whose code the config may name.
    Raises: ConfigError where the folder is not a run directory, or the network shares no weights.
    """
    from rl.errors import require

    experiment, config = load_run(run, checkpoint, trusted=trusted)
    learner = experiment.learner
    require(
        bool(learner.shared),
        f"{run} shares no weights (network.shared=false): there are no rows that could meet.",
    )
    step = experiment.steps
    state, trajectory = next_batch(learner, experiment.variables)
    learner.environment.close()
    return Fresh(experiment, config, state, trajectory, step)


def next_batch(learner: Any, variables: Any) -> tuple[Any, Any]:
    """(state, trajectory) of the batch that the next iteration learns from; the variables do not change.

    An environment outside of the program is stepped all the same. An agent with a memory draws from it.
    """
    import tensorflow as tf

    from rl.learning.collecting import collect
    from rl.learning.repeating import remembered
    from rl.learning.state import read

    state = read(variables)
    if learner.alternates:
        return remembered(learner, state)
    random = learner.rollout_noise(state.seed, state.iteration)
    collected = tf.function(collect, jit_compile=learner.environment.compiled, autograph=False)
    return collected(learner, state, random)
