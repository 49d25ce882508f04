"""All that a run remembers, as a nest of tensors or of the variables that hold them between host calls."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from rl.environments import Environment, State
from rl.frozen import FrozenState, freeze
from rl.networks import Network
from rl.training.episodes import EpisodeState, no_episodes
from rl.training.normalization import Normalizer, NormalizerState
from rl.training.seeds import Purpose, fold
from rl.updates import RuleState, UpdateRule


class TrainState(NamedTuple):
    """The state of a run; a checkpoint holds it all.

    seed is the run's, [2] uint32; iteration and updates are [] int64: how many are done.
    """

    seed: tf.Tensor

    weights: dict[str, tuple[tf.Tensor, ...]]
    rules: dict[str, RuleState]
    frozen: dict[str, FrozenState]
    normalizer: NormalizerState
    episodes: EpisodeState
    environment: State
    observation: tf.Tensor
    iteration: tf.Tensor
    updates: tf.Tensor


def initial_variables(
    network: Network,
    rules: Mapping[str, UpdateRule],
    roles: tuple[str, ...],
    normalizer: Normalizer,
    environment: Environment,
    seed: tf.Tensor,
) -> TrainState:
    """Variables for a new run of this seed ([2] uint32), its environments freshly reset."""
    weights = network.initial_weights()
    environment_state, observation = environment.reset(fold(seed, Purpose.ENVIRONMENT, -1))
    frozen = {role: FrozenState(freeze(role, weights), _variable(tf.zeros(()), f"frozen/{role}/age")) for role in roles}
    rest = {
        "seed": seed,
        "rules": {phase: rule.init(weights) for phase, rule in rules.items()},
        "normalizer": normalizer.init(environment.num_envs, environment.observation_shape),
        "episodes": no_episodes(environment.num_envs),
        "environment": environment_state,
        "observation": observation,
        "iteration": tf.zeros((), tf.int64),
        "updates": tf.zeros((), tf.int64),
    }
    return TrainState(weights=weights, frozen=frozen, **_with_variables(rest))


def stacked(runs: Sequence[TrainState]) -> TrainState:
    """Variables of several runs as variables with a leading axis of runs, under the same names."""

    def stack(*variables):
        return tf.Variable(
            tf.stack([variable.value() for variable in variables]),
            trainable=variables[0].trainable,
            name=variables[0].name.split(":")[0],
        )

    return tf.nest.map_structure(stack, *runs)


def read(variables: TrainState) -> TrainState:
    """The tensors that the variables hold now."""
    return tf.nest.map_structure(tf.convert_to_tensor, variables)


def assign(variables: TrainState, state: TrainState) -> None:
    """Puts the tensors into the variables."""
    tf.nest.map_structure(lambda variable, tensor: variable.assign(tensor), variables, state)


def named_variables(variables: TrainState) -> dict[str, tf.Variable]:
    """{name: variable} of everything; names are unique."""
    flat = tf.nest.flatten(variables)
    named = {variable.name.split(":")[0]: variable for variable in flat}
    if len(named) != len(flat):
        raise ValueError("two variables of the state share a name.")
    return named


def _with_variables(node, path: str = ""):
    """The nest with variables in the place of tensors, named by their paths."""
    if isinstance(node, Mapping):
        return {key: _with_variables(value, f"{path}{key}/") for key, value in node.items()}
    if hasattr(node, "_fields"):
        return type(node)(*(_with_variables(getattr(node, field), f"{path}{field}/") for field in node._fields))
    if isinstance(node, tuple):
        return tuple(_with_variables(value, f"{path}{place}/") for place, value in enumerate(node))
    return _variable(node, path.rstrip("/"))


def _variable(tensor: tf.Tensor, name: str) -> tf.Variable:
    return tf.Variable(tensor, trainable=False, name=name)
