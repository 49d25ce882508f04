"""The rollout of compiled and other environments alike: a `tf.while_loop` inside the calling program.

All random numbers are drawn beforehand, so a rollout is a deterministic function of its arguments.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from rl.environments import Environment, State, Trajectory
from rl.spaces import spec


class Acted(NamedTuple):
    """The result of acting once in N environments."""

    action: Any
    """[N, ...], elements of the action space."""
    extras: Any
    """Further outputs of acting that the trajectory records, a nest of [N, ...]."""


Act = Callable[[tf.Tensor, tf.Tensor], Acted]
"""(observation [N, ...], noise [N, ...]) → actions and extras."""


class RolloutNoise(NamedTuple):
    """All random numbers of a rollout of T steps in N environments."""

    noise: tf.Tensor
    """[T, N, ...] float32, from which the policy samples actions."""
    uniforms: tf.Tensor
    """[T, N, environment.num_uniforms] float32 in [0, 1), for the environment's steps."""


def rollout(
    environment: Environment,
    act: Act,
    noise: tf.Tensor,
    uniforms: tf.Tensor,
    state: State,
    observation: tf.Tensor,
    extras: Any = (),
) -> tuple[State, tf.Tensor, Trajectory]:
    """Steps N environments T times, where T is the length of `noise`.

    Args:
        environment: N environments; with several runs, those of all runs.
        act: chooses the actions.
        noise, uniforms: as in `RolloutNoise`.
        state: the environments' state, as returned by their `reset` or the previous rollout.
        observation: [N, ...], the current observation in that state.
        extras: TensorSpecs [T, N, ...] of the extras that `act` returns.
    Returns: (state, observation [N, ...] after the last step, trajectory [T, N, ...]).
    """
    length = noise.shape[0]

    def step(t, state, observation, recorded):
        """Acts, steps the environments, and writes row t of the trajectory."""
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
        trajectory = trajectory._replace(valid=tf.ones_like(trajectory.valid))  # constant, so XLA removes the masks
    return state, observation, trajectory


def trajectory_spec(environment: Environment, length: int, extras: Any = ()) -> Trajectory:
    """The TensorSpecs [T, N, ...] of a trajectory of T = `length` steps.

    Args: extras: TensorSpecs [T, N, ...] of the agent's extras.
    """
    rows = (length, environment.num_envs)
    frames, action = spec(environment.observation_space, *rows), spec(environment.action_space, *rows)
    number, flag = tf.TensorSpec(rows, tf.float32), tf.TensorSpec(rows, tf.bool)
    return Trajectory(frames, action, number, flag, flag, frames, flag, extras)
