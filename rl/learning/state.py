"""All that a run remembers, as a nest of tensors or of the variables that hold them between host calls."""

from typing import Any, NamedTuple

import tensorflow as tf

from rl.environments import State
from rl.frozen import FrozenState
from rl.learning.axis import Axis
from rl.learning.episodes import EpisodeState
from rl.learning.normalization import NormalizerState
from rl.updates import RuleState


class TrainState(NamedTuple):
    """The state of a run, or of several with an axis of runs in front; a checkpoint holds it all.

    seed is the run's, [2] uint32. iteration, [] int64, is how many are done, in all runs alike: it has no axis of runs.
    updates: {update: how often it was applied, [] int64}.
    """

    seed: tf.Tensor
    hyperparameters: dict[str, tf.Tensor]
    """Numbers of the config that programs take as inputs, [] float32 each. A checkpoint does not hold them."""
    weights: dict[str, tuple[tf.Tensor, ...]]
    rules: dict[str, RuleState]
    frozen: dict[str, FrozenState]
    sources: dict[str, Any]
    """{phase: what its source keeps}, of the sources that keep something."""
    normalizer: NormalizerState
    episodes: EpisodeState
    environment: State
    observation: tf.Tensor
    iteration: tf.Tensor
    updates: dict[str, tf.Tensor]


COMMON = ("iteration",)
"""Names of the variables that all runs of a program have in common."""


def unless_bad(axis: Axis, bad: tf.Tensor, after: TrainState, before: TrainState) -> TrainState:
    """The state after an iteration's learning in the runs where it was finite, otherwise the one before.

    bad: < 0 where it was, [] int32 of each run.
    """
    new, old = tf.nest.flatten(after), tf.nest.flatten(before)
    changed = [place for place, pair in enumerate(zip(new, old, strict=True)) if pair[0] is not pair[1]]

    def choose(bad, new, old):
        return [tf.where(bad < 0, *pair) for pair in zip(new, old, strict=True)]

    chosen = axis.each(choose)(bad, [new[place] for place in changed], [old[place] for place in changed])
    for place, one in zip(changed, chosen, strict=True):
        new[place] = one
    return tf.nest.pack_sequence_as(after, new)


def read(variables: TrainState) -> TrainState:
    """The tensors that the variables hold now."""
    return tf.nest.map_structure(tf.convert_to_tensor, variables)


def assign(variables: TrainState, state: TrainState) -> None:
    """Puts the tensors into the variables."""
    tf.nest.map_structure(lambda variable, tensor: variable.assign(tensor), variables, state)


def named_variables(variables: TrainState) -> dict[str, tf.Variable]:
    """{name: variable} of everything but the hyperparameters; names are unique."""
    flat = tf.nest.flatten(variables._replace(hyperparameters={}))
    named = {variable.name.split(":")[0]: variable for variable in flat}
    if len(named) != len(flat):
        raise ValueError("two variables of the state share a name.")
    return named
