"""Whether the parts of an experiment fit together, once its learner is made."""

import inspect

import tensorflow as tf

from rl.agents import Phase
from rl.environments.origin import in_one_line
from rl.errors import ConfigError, require
from rl.learning.learner import Learner
from rl.updates import UpdateRule
from rl.updates.combiners import Combiner

_OURS = Combiner.__module__.partition(".")[0]


def check_combined(learner: Learner) -> None:
    """Raises ConfigError if the combiner has no rows to combine."""
    require(
        learner.combiner.is_sum or any(rule.shared for rule in learner.rules.values()),
        "the combiner has nothing to act on, since no two groups of an update's objectives share weights. Choose "
        "combiner=sum, or let two groups of one update reach one torso: network.shared=true, with agent.detach_policy "
        "false; with agent=ppg agent.detach_value=false, or agent.auxiliary_groups split; with agent=td3, whose actor "
        "and critics have updates of their own, agent.groups.critic split (what critics_only would do is "
        "agent.detach_policy=true there).",
    )


def check_weights(learner: Learner) -> None:
    """Traces the weights of a combiner from outside this package.

    Raises: ConfigError, with the class, unless it returns one float64 weight per row, and a state as it was given.
    """
    combiner = learner.combiner
    if type(combiner).__module__.partition(".")[0] != _OURS:
        for rule in learner.rules.values():
            if rule.shared:
                _check_weights_of(combiner, rule)


def _check_weights_of(combiner: Combiner, rule: UpdateRule) -> None:
    """`check_weights` for the rows of one update."""
    count, name = len(rule.combined), f"{type(combiner).__name__}.weights"
    state = combiner.init(count)
    given = (tf.zeros((count, count), tf.float64), tf.zeros(count), state, tf.zeros(2, tf.int32))
    try:
        result = tf.function(combiner.weights, autograph=False).get_concrete_function(*given).structured_outputs
    except Exception as error:
        own = inspect.getsourcefile(type(combiner))
        raise ConfigError(f"{name} cannot be compiled: {in_one_line(error, own)} (combiner).") from error
    expected = f"{name} must return ([{count}] float64 weights, state)"
    require(isinstance(result, tuple) and len(result) == 2, f"{expected}; it returned {_kind(result)} (combiner).")
    weights, after = result
    fits = isinstance(weights, tf.Tensor) and weights.shape == (count,) and weights.dtype == tf.float64
    require(fits, f"{expected}; its weights are {_kind(weights)} (combiner).")
    shapes = [[(x.shape, x.dtype) for x in map(tf.convert_to_tensor, tf.nest.flatten(one))] for one in (state, after)]
    require(shapes[0] == shapes[1], f"{expected}; its state is another than that of `init` (combiner).")


def _kind(value: object) -> str:
    """A result in words: the type and shape of a tensor, the length of a tuple, or the type of anything else."""
    if isinstance(value, tf.Tensor):
        return f"a {value.dtype.name} tensor of shape {value.shape}"
    return f"a tuple of {len(value)}" if isinstance(value, tuple) else f"a {type(value).__name__}"


def check_phases(learner: Learner) -> None:
    """Raises ConfigError if the run is too short for one of the agent's phases."""
    for phase in learner.phases:
        first, count = phase.starts_at + phase.every_iterations, learner.num_iterations
        require(
            first <= count,
            f"phase {phase.name!r} begins with iteration {first}, but the run has {count} of "
            f"{learner.steps_per_iteration:,} steps: raise steps to at least {first * learner.steps_per_iteration:,}"
            f"{_or_else(learner, phase)}.",
        )


def _or_else(learner: Learner, phase: Phase) -> str:
    """What else helps where a run is too short for a phase."""
    if not phase.source.replays:
        return f", or execute the phase more often (agent.{phase.name}_every)"
    agent, num_envs = learner.agent, learner.environment.num_envs
    most = (learner.num_iterations - 1) * learner.steps_per_iteration
    needed = {"agent.warmup_steps": agent.warmup_steps, "agent.n_step × num_envs": agent.n_step * num_envs}
    too_many = [f"{name}, {steps:,}," for name, steps in needed.items() if steps > most]
    return f", or lower {' and '.join(too_many)} to at most {most:,}" if most else ""
