"""The variables of a new run, and those of several runs stacked into one set."""

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
    """Creates the variables of a new run, with its environments reset.

    Live weights are trainable; everything else, frozen copies included, is not. Live weights keep the network's names,
    all other variables are named after their paths in the state; a checkpoint stores them by name.

    Args:
        learner: of one run.
        network: built with the initial weights of this seed.
        seed: the run's seed, [2] uint32.
    Returns: a `TrainState` of variables, without an axis of runs.
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
        "begun": tf.zeros((), tf.int64),
        "updates": {update: tf.zeros((), tf.int64) for update in learner.updates},
    }
    state = TrainState(weights=weights, frozen=frozen, sources={}, **_with_variables(rest))
    return state._replace(**_with_variables({"sources": _nothing_kept(learner, state)}))


def with_combiners_begun(learner: Learner, variables: TrainState) -> TrainState:
    """The variables of one run with new ones for the combiners' states, as before the first update.

    Args: learner: with the combiner; variables: all others, the optimizers' slots among them, stay the same objects.
    """
    states = {update: rule.init(variables.weights).combiner for update, rule in learner.rules.items()}
    rules = {
        update: variables.rules[update]._replace(combiner=_with_variables(state, f"rules/{update}/combiner/"))
        for update, state in states.items()
    }
    return variables._replace(rules=rules)


def _nothing_kept(learner: Learner, state: TrainState) -> dict[str, Any]:
    """The initial data of the sources that keep batches, {phase: data}.

    The shapes of the batches are found by tracing the earlier phase's preparation; nothing is executed.
    """
    phases, kept = {phase.name: phase for phase in learner.phases}, {}
    for phase in (phase for phase in learner.phases if phase.source.replays):
        row = tf.nest.map_structure(lambda spec: tf.TensorSpec(spec.shape[1:], spec.dtype), learner.trajectory_spec())
        kept[phase.name] = phase.source.init(row)
    for phase in (phase for phase in learner.phases if phase.source.of is not None):

        def prepared(trajectory, earlier=phases[phase.source.of]):
            """The batch that the earlier phase prepares from a trajectory of one run."""
            seen, trajectory, _ = ingest(learner, state, trajectory)
            return earlier.prepare(roles_of(seen.weights, seen.frozen), trajectory)[0]

        batch = (
            tf.function(prepared, autograph=False).get_concrete_function(learner.trajectory_spec()).structured_outputs
        )
        kept[phase.name] = phase.source.init(batch)
    return kept


def stacked(axis: Axis, runs: Sequence[TrainState]) -> TrainState:
    """Stacks the variables of several runs into variables with an axis of runs, under the same names.

    Args:
        axis: of as many runs as there are states.
        runs: the states, in the order of the axis; for a single run its variables are returned unchanged.
    Returns: variables [S, ...]; those of `COMMON` are the first run's, without an axis.
    """

    def stack(*variables):
        """One variable [S, ...] of S variables [...], with the name of the first."""
        whole = axis.stack([variable.value() for variable in variables])
        return tf.Variable(whole, trainable=variables[0].trainable, name=variables[0].name.split(":")[0])

    if axis.num_runs == 1:
        return runs[0]
    return tf.nest.map_structure(stack, *runs)._replace(**{name: getattr(runs[0], name) for name in COMMON})


def _with_variables(node, path: str = ""):
    """The nest with each tensor replaced by a variable, named after its path: `normalizer/reward/count`."""
    if isinstance(node, Mapping):
        return {key: _with_variables(value, f"{path}{key}/") for key, value in node.items()}
    if hasattr(node, "_fields"):
        return type(node)(*(_with_variables(getattr(node, field), f"{path}{field}/") for field in node._fields))
    if isinstance(node, tuple):
        return tuple(_with_variables(value, f"{path}{place}/") for place, value in enumerate(node))
    return _variable(node, path.rstrip("/"))


def _variable(tensor: tf.Tensor, name: str) -> tf.Variable:
    """A variable with `trainable=False`: no update rule moves it."""
    return tf.Variable(tensor, trainable=False, name=name)
