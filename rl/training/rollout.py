"""The one rollout: a `tf.while_loop` inside whatever program calls it."""

from collections.abc import Callable

import tensorflow as tf

from rl.environments import Environment, State, Trajectory
from rl.training.seeds import Purpose, fold

Act = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def rollout(
    environment: Environment,
    act: Act,
    noise: tf.Tensor,
    state: State,
    observation: tf.Tensor,
    seed: tf.Tensor,
) -> tuple[State, tf.Tensor, Trajectory]:
    """T steps in N environments.

    Args:
        environment: what is stepped.
        act: (observation [N, ...], noise [N, ...]) → action.
        noise: [T, N, ...], the policy's noise for the whole rollout.
        state, observation: where the environments stand.
        seed: [2] int, for the environment's own randomness.
    Returns: state, observation to go on from, and the trajectory [T, N, ...].
    """
    length = noise.shape[0]

    def step_seed(t):
        # Folding costs a dozen operations a step, which an environment with generators of its own would throw away.
        return fold(seed, Purpose.STEP, t) if environment.restorable else seed

    def step(t, state, observation, recorded):
        action = act(observation, noise[t])
        state, transition = environment.step(state, action, step_seed(t))
        row = Trajectory(
            observation,
            action,
            transition.reward,
            transition.terminated,
            transition.truncated,
            transition.final_observation,
            transition.valid,
        )
        recorded = tf.nest.map_structure(lambda array, x: array.write(t, x), recorded, row)
        return t + 1, state, transition.observation, recorded

    start = (tf.constant(0), state, observation, _arrays(environment, observation, length))
    _, state, observation, recorded = tf.while_loop(lambda t, *_: t < length, step, start, parallel_iterations=1)
    return state, observation, Trajectory(*(array.stack() for array in recorded))


def _arrays(environment: Environment, observation: tf.Tensor, length: int) -> Trajectory:
    rows, frames = (environment.num_envs,), observation.shape
    discrete = not hasattr(environment.action_space, "shape")
    action = (tf.int64, rows) if discrete else (tf.float32, rows + environment.action_space.shape)
    kinds = Trajectory(
        (tf.float32, frames),
        action,
        (tf.float32, rows),
        (tf.bool, rows),
        (tf.bool, rows),
        (tf.float32, frames),
        (tf.bool, rows),
    )
    return Trajectory(*(tf.TensorArray(dtype, size=length, element_shape=shape) for dtype, shape in kinds))
