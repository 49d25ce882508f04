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
    import tensorflow as tf

    from rl.errors import require
    from rl.learning.collecting import collect
    from rl.learning.repeating import remembered
    from rl.learning.state import read

    experiment, config = load_run(run, checkpoint, trusted=trusted)
    learner, state = experiment.learner, read(experiment.variables)
    require(
        bool(learner.shared),
        f"{run} shares no weights (network.shared=false): there are no rows that could meet.",
    )
    step = int(state.iteration) * learner.steps_per_iteration
    if learner.alternates:
        state, windows = remembered(learner, state)
        learner.environment.close()
        return Fresh(experiment, config, state, windows, step)
    random = learner.rollout_noise(state.seed, state.iteration)
    collected = tf.function(collect, jit_compile=learner.environment.compiled, autograph=False)
    state, trajectory = collected(learner, state, random)
    learner.environment.close()
    return Fresh(experiment, config, state, trajectory, step)
