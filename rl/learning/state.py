"""The state of training: tensors within a program, variables between host calls.

A program reads the variables once at its start and assigns them once at its end; in between, the state is a value.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from rl.environments import State
from rl.frozen import FrozenState
from rl.learning.axis import Axis
from rl.learning.episodes import EpisodeState
from rl.learning.normalization import NormalizerState
from rl.updates import RuleState


class TrainState(NamedTuple):
    """The complete state of one run, or of S runs with an axis of runs in front of every tensor but those of `COMMON`.

    A checkpoint holds all of it except the hyperparameters, which come from the config.
    """

    seed: tf.Tensor
    """The run's seed, [2] uint32."""
    hyperparameters: dict[str, tf.Tensor]
    """{config key: [] float32}, the numbers that programs take as inputs."""
    weights: dict[str, tuple[tf.Tensor, ...]]
    """{part: tensors}, the live weights."""
    rules: dict[str, RuleState]
    """{update: state of its update rule}: the optimizer's slots, the combiner's state."""
    frozen: dict[str, FrozenState]
    """{role: frozen copy}."""
    sources: dict[str, Any]
    """{phase: data kept by its source}, only for sources that keep data."""
    normalizer: NormalizerState
    """The statistics of observations and rewards."""
    episodes: EpisodeState
    """The current episodes' returns and lengths."""
    environment: State
    """The state of the N environments."""
    observation: tf.Tensor
    """[N, ...], the observation to act on next, not normalised."""
    iteration: tf.Tensor
    """Number of iterations done, [] int64; the same for all runs, so that conditions on it are not batched."""
    begun: tf.Tensor
    """The iteration with which memory begins, [] int64, the same for all runs; above 0 if earlier steps were lost."""
    updates: dict[str, tf.Tensor]
    """{update: how often it was applied, [] int64}."""


COMMON = ("iteration", "begun")
"""The fields without an axis of runs."""


def unless_bad(axis: Axis, bad: tf.Tensor, after: TrainState, before: TrainState) -> TrainState:
    """Undoes an iteration's learning in the runs in which it was not finite.

    A tensor that learning did not change (the same object in both states) is not selected, which would copy it.

    Args:
        axis: of the runs.
        bad: [S] or [] int32, negative in the runs whose learning was finite.
        after, before: the state after learning and before it.
    Returns: in each run, the state after if `bad` is negative, otherwise the one before.
    """
    new, old = tf.nest.flatten(after), tf.nest.flatten(before)
    changed = [place for place, pair in enumerate(zip(new, old, strict=True)) if pair[0] is not pair[1]]

    def choose(bad, new, old):
        """The tensors of one run that changed, new or old."""
        return [tf.where(bad < 0, *pair) for pair in zip(new, old, strict=True)]

    chosen = axis.each(choose)(bad, [new[place] for place in changed], [old[place] for place in changed])
    for place, one in zip(changed, chosen, strict=True):
        new[place] = one
    return tf.nest.pack_sequence_as(after, new)


def read(variables: TrainState) -> TrainState:
    """The current values of the variables, a nest of tensors."""
    return tf.nest.map_structure(tf.convert_to_tensor, variables)


def assign(variables: TrainState, state: TrainState) -> None:
    """Assigns every tensor of the state to the variable in its place."""
    tf.nest.map_structure(lambda variable, tensor: variable.assign(tensor), variables, state)


def memory_names(learner: Any, variables: TrainState) -> frozenset[str]:
    """The names of the variables that hold what an agent remembers of its environment, in `named_variables`."""
    kept = {phase.name: variables.sources[phase.name] for phase in learner.phases if phase.source.replays}
    return frozenset(variable.name.split(":")[0] for variable in tf.nest.flatten(kept))


def named_variables(variables: TrainState) -> dict[str, tf.Variable]:
    """The variables that a checkpoint holds, {name: variable}: all but the hyperparameters.

    Raises: ValueError if two variables share a name.
    """
    flat = tf.nest.flatten(variables._replace(hyperparameters={}))
    named = {variable.name.split(":")[0]: variable for variable in flat}
    if len(named) != len(flat):
        raise ValueError("two variables of the state share a name.")
    return named
