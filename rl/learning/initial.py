"""The variables that runs begin with."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from rl.agents import roles_of
from rl.frozen import FrozenState, freeze
from rl.learning.axis import Axis
from rl.learning.episodes import no_episodes
from rl.learning.ingesting import ingest
from rl.learning.learner import Learner
from rl.learning.seeds import Purpose, fold
from rl.learning.state import COMMON, TrainState
from rl.networks import Network
from rl.spaces import spec


def initial_variables(learner: Learner, network: Network, seed: tf.Tensor) -> TrainState:
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


def _nothing_kept(learner: Learner, state: TrainState) -> dict[str, Any]:
    """{phase: what its source keeps before the first iteration}."""
    phases, kept = {phase.name: phase for phase in learner.phases}, {}
    for phase in (phase for phase in learner.phases if phase.source.of is not None):

        def prepared(trajectory, earlier=phases[phase.source.of]):
            seen, trajectory, _ = ingest(learner, state, trajectory)
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
