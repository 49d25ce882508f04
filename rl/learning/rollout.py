"""The one rollout: a `tf.while_loop` inside whatever program calls it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from rl.environments import Environment, State, Trajectory
from rl.spaces import spec


class Acted(NamedTuple):
    """Actions [N, ...], and what else of acting the trajectory keeps."""

    action: Any
    extras: Any


Act = Callable[[tf.Tensor, tf.Tensor], Acted]


class RolloutNoise(NamedTuple):
    """All that is random in a rollout: the policy's noise [T, N, ...], the environment's uniform numbers [T, N, u]."""

    noise: tf.Tensor
    uniforms: tf.Tensor


def rollout(
    environment: Environment,
    act: Act,
    noise: tf.Tensor,
    uniforms: tf.Tensor,
    state: State,
    observation: tf.Tensor,
    extras: Any = (),
) -> tuple[State, tf.Tensor, Trajectory]:
    """T steps in N environments.

    Args:
        environment: what is stepped.
        act: (observation [N, ...], noise [N, ...]) → action and extras.
        noise: [T, N, ...], the policy's for the whole rollout.
        uniforms: [T, N, environment.num_uniforms], likewise the environment's.
        state, observation: where the environments stand.
        extras: specs of the trajectory's extras, [T, N, ...].
    Returns: state, observation to go on from, and the trajectory [T, N, ...].
    """
    length = noise.shape[0]

    def step(t, state, observation, recorded):
        action, kept = act(observation, noise[t])
        state, transition = environment.step(state, action, uniforms[t])
        row = Trajectory(
            observation,
            action,
            transition.reward,
            transition.terminated,
            transition.truncated,
            transition.final_observation,
            transition.valid,
            kept,
        )
        recorded = tf.nest.map_structure(lambda array, x: array.write(t, x), recorded, row)
        return t + 1, state, transition.observation, recorded

    recorded = tf.nest.map_structure(
        lambda spec: tf.TensorArray(spec.dtype, size=length, element_shape=spec.shape[1:]),
        trajectory_spec(environment, length, extras),
    )
    start = (tf.constant(0), state, observation, recorded)
    _, state, observation, recorded = tf.while_loop(lambda t, *_: t < length, step, start, parallel_iterations=1)
    trajectory = tf.nest.map_structure(lambda array: array.stack(), recorded)
    if environment.compiled:
        trajectory = trajectory._replace(valid=tf.ones_like(trajectory.valid))  # a constant: XLA leaves out the masks
    return state, observation, trajectory


def trajectory_spec(environment: Environment, length: int, extras: Any = ()) -> Trajectory:
    """Shapes and types of a trajectory of T steps; extras: specs of its extras."""
    rows = (length, environment.num_envs)
    frames, action = spec(environment.observation_space, *rows), spec(environment.action_space, *rows)
    number, flag = tf.TensorSpec(rows, tf.float32), tf.TensorSpec(rows, tf.bool)
    return Trajectory(frames, action, number, flag, flag, frames, flag, extras)
