"""All that a run remembers, as a nest of tensors or of the variables that hold them between host calls."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import tensorflow as tf

from rl.agents import roles_of
from rl.environments import State
from rl.frozen import FrozenState, freeze
from rl.learning.axis import Axis
from rl.learning.episodes import EpisodeState, no_episodes
from rl.learning.normalization import NormalizerState
from rl.learning.seeds import Purpose, fold
from rl.networks import Network
from rl.spaces import spec
from rl.updates import RuleState

if TYPE_CHECKING:
    from rl.learning.learner import Learner


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


def initial_variables(learner: "Learner", network: Network, seed: tf.Tensor) -> TrainState:
    """Variables for a new run of this seed ([2] uint32), its environments freshly reset.

    Args:
        network: with the seed's initial weights.
    """
    environment, normalizer = learner.environment, learner.normalizer
    weights = network.initial_weights()
    environment_state, observation = environment.reset(fold(seed, Purpose.ENVIRONMENT, -1))
    frozen = {
        role: FrozenState(freeze(role, weights), _variable(tf.zeros(()), f"frozen/{role}/age"))
        for role in learner.schedules
    }
    rest = {
        "seed": seed,
        "hyperparameters": {key: tf.constant(x, tf.float32) for key, x in learner.hyperparameters.items()},
        "rules": {update: rule.init(weights) for update, rule in learner.rules.items()},
        "normalizer": normalizer.init(environment.num_envs, spec(environment.observation_space)),
        "episodes": no_episodes(environment.num_envs),
        "environment": environment_state,
        "observation": observation,
        "iteration": tf.zeros((), tf.int64),
        "updates": {update: tf.zeros((), tf.int64) for update in learner.updates},
    }
    state = TrainState(weights=weights, frozen=frozen, sources={}, **_with_variables(rest))
    return state._replace(**_with_variables({"sources": _nothing_kept(learner, state)}))


def _nothing_kept(learner: "Learner", state: TrainState) -> dict[str, Any]:
    """{phase: what its source keeps before the first iteration}."""
    phases, kept = {phase.name: phase for phase in learner.phases}, {}
    for phase in (phase for phase in learner.phases if phase.source.of is not None):

        def prepared(trajectory, earlier=phases[phase.source.of]):
            seen, trajectory, _ = learner.ingest(state, trajectory)
            return earlier.prepare(roles_of(seen.weights, seen.frozen), trajectory)[0]

        batch = (
            tf.function(prepared, autograph=False).get_concrete_function(learner.trajectory_spec()).structured_outputs
        )
        kept[phase.name] = phase.source.init(batch)
    return kept


def stacked(axis: Axis, runs: Sequence[TrainState]) -> TrainState:
    """Variables of several runs as variables with an axis of runs, under the same names; the counters have none."""

    def stack(*variables):
        whole = axis.stack([variable.value() for variable in variables])
        return tf.Variable(whole, trainable=variables[0].trainable, name=variables[0].name.split(":")[0])

    if axis.num_runs == 1:
        return runs[0]
    return tf.nest.map_structure(stack, *runs)._replace(**{name: getattr(runs[0], name) for name in COMMON})


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
