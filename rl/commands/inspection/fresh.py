"""A run as it stands at a checkpoint, with a rollout of its own to look at."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rl.commands.composition import load_run


class Fresh(NamedTuple):
    """Experiment and config, the state and the trajectory that an iteration would learn from, steps done so far."""

    experiment: Any
    config: Any
    state: Any
    trajectory: Any
    step: int


def fresh_batch(run: Path, checkpoint: str, *, trusted: Sequence[str] = ()) -> Fresh:
    """Loads a checkpoint and acts for one rollout; nothing is learnt.

    Raises: ConfigError where the folder is no run, or its network shares no weights.
    """
    import tensorflow as tf

    from rl.errors import require
    from rl.learning.state import read

    experiment, config = load_run(run, checkpoint, trusted=trusted)
    learner, state = experiment.learner, read(experiment.variables)
    require(
        bool(learner.model.network.shared),
        f"{run} shares no weights (network.shared=false): there are no rows that could meet.",
    )
    collect = tf.function(learner.collect, jit_compile=learner.environment.compiled, autograph=False)
    state, trajectory = collect(state, learner.rollout_noise(state.seed, state.iteration))
    learner.environment.close()
    return Fresh(experiment, config, state, trajectory, int(state.iteration) * learner.steps_per_iteration)
