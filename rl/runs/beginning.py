"""How a run begins: from its newest checkpoint, from another run's weights, or from its initial weights."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from rl.errors import DamagedError, require
from rl.learning.axis import Axis
from rl.learning.drawing import written
from rl.learning.normalization import Moments
from rl.learning.seeds import Purpose, fold
from rl.learning.state import COMMON, memory_names, named_variables, read
from rl.patterns import masks_of
from rl.runs.checkpoints import Checkpoint, CheckpointFolder, read_checkpoint, restore
from rl.runs.experiment import Experiment
from rl.runs.record import Record
from rl.runs.records import Records

Say = Callable[[str], None]
"""Receives sentences for the user."""
_STATISTICS = "normalizer/observation"


def restored(experiment: Experiment, records: Sequence[Record], say: Say) -> list[Checkpoint] | None:
    """Restores the variables from the newest step at which every run has a sound checkpoint.

    Args:
        experiment: its variables are assigned to.
        records: one per run, in the order of the axis of runs.
        say: receives sentences for the user.
    Returns: each run's checkpoint; None where there is none, and the runs have to start over.
    Raises: DamagedError where every common checkpoint is damaged; ConfigError where runs have checkpoints but none in
        common, or where a checkpoint does not fit the network.
    """
    damaged: list[DamagedError] = []
    for steps in _common_steps(records):
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
            _began_together(records),
            f"{', '.join(begun[:2])} and others of these runs are not at the same step, so they cannot go on "
            "together; train each by itself (seeds=1), or all anew (fresh=true).",
        )
        if begun:
            say("Not all of these runs have a first checkpoint yet: they start over.")
        return None
    if damaged:
        say(f"{damaged[0]} The one before it is taken.")
    restore_all(experiment, checkpoints, source=str(files[0]), say=say)
    return list(checkpoints)


def restore_all(experiment: Experiment, checkpoints: Sequence[Checkpoint], *, source: str, say: Say) -> None:
    """Restores all variables from one checkpoint per run.

    Where an agent's memory was not saved, or cannot be read, it begins anew: the agent acts for as long as its warm-up
    took, with its policy, before it learns again.

    Args: source: the name of the checkpoint, for errors; say: receives sentences for the user.
    Raises: ConfigError where names, shapes or dtypes differ.
    """
    variables, memory = experiment.variables, memory_names(experiment.learner, experiment.variables)
    named = named_variables(variables)
    arrays = together(experiment.learner.axis, [{**one.arrays, **one.memory} for one in checkpoints])
    arrays["begun"] = np.max([one.arrays["begun"] for one in checkpoints])  # what all runs remember
    if forgotten := any(name not in arrays for name in memory):
        named = {name: variable for name, variable in named.items() if name not in memory}
        arrays = {name: array for name, array in arrays.items() if name not in memory}
    restore(named, arrays, source=source)
    if forgotten:
        variables.begun.assign(variables.iteration)
        why = next((one.lost for one in checkpoints if one.lost), "it was not saved with this checkpoint")
        say(f"The memory is lost ({why}): it fills again before the agent learns, so this is not the run that it was.")


def together(axis: Axis, runs: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Stacks the runs' checkpoint arrays as the variables hold them.

    Args:
        runs: {name: array} of each run.
    Returns: {name: array}, with an axis of runs in front unless the array is common to all runs; names that a run lacks
        are left out.
    """
    names = [name for name in runs[0] if all(name in arrays for arrays in runs)]
    return {name: runs[0][name] if name in COMMON else axis.stack([arrays[name] for arrays in runs]) for name in names}


def load_weights(experiment: Experiment, file: Path, patterns: Sequence[str], say: Say) -> None:
    """Loads live weights and observation statistics from another run's checkpoint, and syncs the frozen copies.

    Args:
        file: the checkpoint; every run of the program gets the same weights.
        patterns: parts or single weights to load; `normalizer/observation` names the observation statistics.
        say: receives sentences for the user.
    Raises: ConfigError where a pattern matches nothing, or what it matches does not fit this network; DamagedError.
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


def start(records: Records, say: Say, *, fresh: bool) -> None:
    """Starts the runs over in empty directories.

    The summaries record `starting_over` first, so that runs whose removal is interrupted by a crash start over as well.

    Args:
        fresh: whether the user asked to start over.
    Raises: StorageError where a directory cannot be written.
    """
    _say_damage(records, say)
    for record in records:
        if not fresh and record.has_log_alone:
            say(f"{record.directory.path} has a log but no checkpoint: it starts over.")
    records.write_summaries("running", starting_over=True)
    for record in records:
        record.begin()
    records.write_summaries("running")


def resume(
    experiment: Experiment, records: Records, checkpoints: Sequence[Checkpoint], say: Say, *, evaluation_due: bool
) -> None:
    """Resumes the runs: drops log entries after the checkpoints, and starts fresh episodes where it must.

    Args:
        checkpoints: one per run, as `restored` returns them.
        evaluation_due: whether an evaluation is due at their step.
    Raises: StorageError where a directory cannot be written.
    """
    _say_damage(records, say)
    records.write_summaries("running")
    for record, checkpoint in zip(records, checkpoints, strict=True):
        for sentence in record.go_on(checkpoint, evaluation_due=evaluation_due):
            say(f"{record.directory.path}: {sentence}.")
    note = ""
    if not experiment.learner.environment.restorable:
        _begin_episodes(experiment)
        note = " Gymnasium environments cannot be put back: they start fresh episodes."
    say(f"Going on from step {experiment.steps:,}.{note}")


def _say_damage(records: Records, say: Say) -> None:
    """Reports damaged summaries, which are about to be replaced."""
    for record in records:
        if damage := record.directory.damage():
            say(f"{damage} It is written anew.")


def _begin_episodes(experiment: Experiment) -> None:
    """Starts fresh episodes, for environments whose state is not in a checkpoint; the seed depends on the iteration."""
    learner, variables = experiment.learner, experiment.variables
    seed = fold(variables.seed, Purpose.ENVIRONMENT, variables.iteration, -1)
    state, observation = learner.environment.reset(seed)
    variables.environment.assign(state)
    variables.observation.assign(observation)
    for phase in (phase for phase in learner.phases if phase.source.replays):
        before, kept = written(learner, read(variables).iteration, 0), variables.sources[phase.name]
        # An iteration that an error cut short has written rows in place.
        lost = learner.agent.ticks * learner.agent.rollout_length
        after = phase.source.interrupted(kept, before, lost, learner.axis.shape)
        tf.nest.map_structure(lambda variable, tensor: variable.assign(tensor), kept, after)
    for running in (*variables.episodes, variables.normalizer.returns):
        running.assign(tf.zeros_like(running))


def _check_counters(checkpoint: Checkpoint, steps: int, file: Path, steps_per_iteration: int) -> None:
    """Raises DamagedError unless the iteration counter, the metadata and the file name agree on the steps."""
    arrays: Mapping[str, Any] = checkpoint.arrays
    done = int(arrays["iteration"]) * steps_per_iteration if "iteration" in arrays else steps
    if not done == checkpoint.meta["steps"] == steps:
        raise DamagedError(
            f"{file} is not a usable checkpoint: by its name it is of step {steps:,}, by its meta of "
            f"{checkpoint.meta['steps']:,}, by its counter of {done:,}."
        )


def _common_steps(records: Sequence[Record]) -> list[int]:
    """The environment steps at which every run has a checkpoint, newest first."""
    return sorted(set.intersection(*(record.checkpoint_steps for record in records)), reverse=True)


def _began_together(records: Sequence[Record]) -> bool:
    """Whether a crash came between the runs' first checkpoints, so that only some runs have one.

    Then every checkpoint there is records that it is its run's first, of this number of runs (`first_of`).
    """
    found = [record.read(steps)[0].meta for record in records for steps in record.checkpoint_steps]
    return all(meta["first_of"] == len(records) for meta in found)


def loadable(path: Path) -> Path:
    """The checkpoint file that `load.path` names: the file itself, or the newest one of a run directory.

    Raises: ConfigError where the path does not exist or holds no checkpoint.
    """
    require(path.exists(), f"{path} does not exist; it must be a checkpoint file or a run directory (load.path).")
    file = CheckpointFolder(path / "checkpoints", keep=1).files()[-1:] if path.is_dir() else [path]
    require(bool(file), f"{path} holds no checkpoint (load.path).")
    return file[0]
