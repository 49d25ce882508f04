"""The leak audit of an agent's updates, on a synthetic trajectory."""

import numpy as np
import tensorflow as tf

from rl.environments import Trajectory
from rl.gradients.audit import audit, check_audit
from rl.instruments.replay import replay
from rl.learning.drawing import normalized_windows
from rl.learning.learner import Learner
from rl.learning.state import TrainState
from rl.sources import Windows
from rl.spaces import Discrete


def audit_updates(learner: Learner, state: TrainState) -> dict[str, dict[str, dict[str, str]]]:
    """Audits the gradients of all updates of all phases; see `rl.gradients.audit`.

    Args: state: of one run; it gives the weights, and the observations that the trajectory imitates.
    Returns: {update: {objective: {weight: none, zero or non-zero}}}.
    Raises: LeakError if an objective reaches other weights than it declares.
    """
    tables, trajectory, names = {}, _made_up(learner, state), learner.model.network.names
    for name in learner.updates:
        played = replay(learner, state, trajectory, name)
        minibatch = played.minibatch(0)
        tables[name] = audit(minibatch.losses, minibatch.seen, names, minibatch.watch)
        check_audit(tables[name], played.update.objectives, minibatch.seen, names, minibatch.watch)
    return tables


def _made_up(learner: Learner, state: TrainState) -> Trajectory | Windows:
    """A random trajectory of one run, [T, N, ...]: which weights a gradient reaches does not depend on the values.

    For an agent that learns from memory they are windows, [B, n, ...], normalised as it sees them.
    """
    random = np.random.default_rng(0)
    shape, now = (learner.agent.rollout_length, learner.environment.num_envs), state.observation
    if learner.alternates:  # windows of consecutive steps in place of a rollout
        source = learner.phases[0].source
        shape = (source.num_samples(learner.steps_per_iteration), source.length)
        now = tf.nest.map_structure(lambda x: tf.repeat(x[:1], source.length, 0), now)
    frames = tf.nest.map_structure(lambda now: _around(now.numpy(), shape[0], random), now)
    space = learner.environment.action_space
    if isinstance(space, Discrete):
        action = tf.constant(random.integers(space.n, size=shape), tf.int64)
    else:
        action = tf.constant(random.normal(size=(*shape, *space.shape)), tf.float32)
    never = tf.zeros(shape, tf.bool)
    following = tf.nest.map_structure(lambda x: tf.roll(x, -1, 0), frames)
    reward = tf.constant(random.normal(size=shape), tf.float32)
    extras = tf.nest.map_structure(
        lambda spec: tf.zeros((*shape, *spec.shape[2:]), spec.dtype),
        learner.actor.extras_spec(learner.environment, shape[0]),
    )
    made_up = Trajectory(frames, action, reward, never, never, following, tf.ones(shape, tf.bool), extras)
    return normalized_windows(learner, state, Windows(made_up)) if learner.alternates else made_up


def _around(now: np.ndarray, length: int, random: np.random.Generator) -> tf.Tensor:
    """Observations [length, N, ...]: the current ones [N, ...] plus noise, or random 0 and 1 for integers."""
    if np.issubdtype(now.dtype, np.floating):
        return tf.constant(now + random.normal(size=(length, *now.shape)), now.dtype)
    return tf.constant(random.integers(2, size=(length, *now.shape)), now.dtype)
