"""Where a run begins: at its newest checkpoint, at another run's weights, or with fresh episodes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from rl.errors import DamagedError, require
from rl.learning.axis import Axis
from rl.learning.normalization import Moments
from rl.learning.seeds import Purpose, fold
from rl.learning.state import COMMON, named_variables
from rl.patterns import masks_of
from rl.runs.checkpoints import Checkpoint, read_checkpoint, restore
from rl.runs.experiment import Experiment
from rl.runs.record import Record, began_together, common_steps

Say = Callable[[str], None]
_STATISTICS = "normalizer/observation"


def restored(experiment: Experiment, records: Sequence[Record], say: Say) -> list[Checkpoint] | None:
    """Puts each run's newest sound checkpoint, all of the same step, into the variables.

    Returns: the checkpoints; None where there is none, and the runs have to start over.
    Raises: DamagedError where every checkpoint is damaged; ConfigError where the runs have none in common.
    """
    damaged: list[DamagedError] = []
    for steps in common_steps(records):
        try:
            checkpoints, files = zip(*(record.read(steps) for record in records), strict=True)
            for checkpoint, file in zip(checkpoints, files, strict=True):
                _check_counters(checkpoint, steps, file, experiment.learner.steps_per_iteration)
            break
        except DamagedError as error:
            damaged.append(error)
    else:
        if damaged:
            raise damaged[0]
        begun = [str(record.directory.path) for record in records if record.checkpoint_steps]
        require(
            began_together(records),
            f"{', '.join(begun[:2])} and others of these runs are not at the same step, so they cannot go on "
            "together; train each by itself (seeds=1), or all anew (fresh=true).",
        )
        if begun:
            say("Not all of these runs have a first checkpoint yet: they start over.")
        return None
    if damaged:
        say(f"{damaged[0]} The one before it is taken.")
    arrays = together(experiment.learner.axis, [checkpoint.arrays for checkpoint in checkpoints])
    restore(named_variables(experiment.variables), arrays, source=str(files[0]))
    return list(checkpoints)


def together(axis: Axis, runs: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """{name: the arrays of all runs as the variables hold them}, of the names that every run has."""
    names = [name for name in runs[0] if all(name in arrays for arrays in runs)]
    return {name: runs[0][name] if name in COMMON else axis.stack([arrays[name] for arrays in runs]) for name in names}


def load_weights(experiment: Experiment, file: Path, patterns: Sequence[str], say: Say) -> None:
    """Takes live weights and observation statistics from another run's checkpoint; the frozen copies follow.

    Args:
        patterns: of the parts or weights to take; `normalizer/observation` is the part of the statistics.
    Raises: ConfigError where a pattern matches nothing, or what it matches does not fit this network.
    """
    learner, variables = experiment.learner, experiment.variables
    names = {**learner.model.network.names, _STATISTICS: tuple(f"{_STATISTICS}/{x}" for x in Moments._fields)}
    masks = masks_of(patterns, names, key="load.parts")
    kept = {
        name
        for part, weights in names.items()
        for place, name in enumerate(weights)
        if any(mask[part][place] for mask in masks.values())
    }
    found = {name: x for name, x in read_checkpoint(file).arrays.items() if name in kept}
    named = {name: variable for name, variable in named_variables(variables).items() if name in kept}
    restore(named, together(learner.axis, [found] * learner.axis.num_runs), source=str(file))
    for copy in variables.frozen.values():
        tf.nest.map_structure(lambda frozen, weight: frozen.assign(weight), copy.weights, variables.weights)
    what = "the weights" if list(patterns) == ["*"] else f"{len(kept)} weights ({', '.join(patterns)})"
    say(f"Starting from {what} of {file}.")
    seen, now = found.get(f"{_STATISTICS}/count"), learner.normalizer.observations
    if seen is not None and bool(np.max(seen) > 0) != now:
        without, with_ = ("without", "with") if now else ("with", "without")
        say(f"They were trained {without} normalised observations, and go on {with_} them (normalize.observations).")


def begin_episodes(experiment: Experiment) -> None:
    """Fresh episodes, where the environments' state is not in a checkpoint; the seed follows from the iteration."""
    learner, variables = experiment.learner, experiment.variables
    seed = fold(variables.seed, Purpose.ENVIRONMENT, variables.iteration, -1)
    state, observation = learner.environment.reset(seed)
    variables.environment.assign(state)
    variables.observation.assign(observation)
    for running in (*variables.episodes, variables.normalizer.returns):
        running.assign(tf.zeros_like(running))


def _check_counters(checkpoint: Checkpoint, steps: int, file: Path, steps_per_iteration: int) -> None:
    """DamagedError where the iterations done, the steps in the meta and those of the name are not the same."""
    arrays: Mapping[str, Any] = checkpoint.arrays
    done = int(arrays["iteration"]) * steps_per_iteration if "iteration" in arrays else steps
    if not done == checkpoint.meta["steps"] == steps:
        raise DamagedError(
            f"{file} is not a usable checkpoint: by its name it is of step {steps:,}, by its meta of "
            f"{checkpoint.meta['steps']:,}, by its counter of {done:,}."
        )
