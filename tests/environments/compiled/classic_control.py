"""Transitions of compiled classic control and of Gymnasium's own environments, in one form."""

import math
from collections.abc import Callable
from typing import NamedTuple

import gymnasium
import numpy as np
import tensorflow as tf
from classic_control_states import (
    acrobot,
    acrobot_margin,
    cartpole,
    cartpole_margin,
    mountain_car,
    mountain_car_continuous,
    no_decision,
    pendulum,
    valley_margin,
)

from rl.environments.compiled import Acrobot, CartPole, MountainCar, MountainCarContinuous, Pendulum
from rl.spaces import Discrete

TOTAL = 102_000


class Case(NamedTuple):
    ours: type
    id: str
    states: Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]  # (states [n, k], actions [n])
    margin: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # how far a decision was from its flip, [n]
    start_low: np.ndarray
    start_high: np.ndarray
    angles: tuple[int, ...]  # the numbers of the state that are equal if they differ by whole turns

    def make(self, num_envs, max_episode_steps=None):
        return self.ours(num_envs=num_envs, max_episode_steps=max_episode_steps)


FOUR = np.ones(4)
CASES = [
    Case(CartPole, "CartPole-v1", cartpole, cartpole_margin, -0.05 * FOUR, 0.05 * FOUR, ()),
    Case(Acrobot, "Acrobot-v1", acrobot, acrobot_margin, -0.1 * FOUR, 0.1 * FOUR, (0, 1)),
    Case(
        MountainCar,
        "MountainCar-v0",
        mountain_car,
        valley_margin(lambda action: (action - 1) * 0.001, 0.5),
        np.array([-0.6, 0]),
        np.array([-0.4, 0]),
        (),
    ),
    Case(
        MountainCarContinuous,
        "MountainCarContinuous-v0",
        mountain_car_continuous,
        valley_margin(lambda action: np.clip(action, -1, 1) * 0.0015, 0.45),
        np.array([-0.6, 0]),
        np.array([-0.4, 0]),
        (),
    ),
    Case(Pendulum, "Pendulum-v1", pendulum, no_decision, np.array([-math.pi, -1]), np.array([math.pi, 1]), (0,)),
]


class Answers(NamedTuple):
    state: np.ndarray  # [n, k] float64
    observation: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray


def ask_gymnasium(case, states, actions):
    """Gymnasium's own environment, one transition after another; it computes in float64 from the float32 states."""
    environment = gymnasium.make(case.id).unwrapped
    discrete = isinstance(case.ours.action_space, Discrete)
    answers = []
    for state, action in zip(states.astype(np.float64), actions.tolist(), strict=True):
        environment.state = state
        environment.steps_beyond_terminated = None  # CartPole's, which warns of steps after an end
        observation, reward, terminated, truncated, _ = environment.step(action if discrete else np.array([action]))
        assert not truncated
        answers.append((environment.state, observation, reward, terminated))
    return Answers(*(np.array(column) for column in zip(*answers, strict=True)))


def sample(case, n=TOTAL, seed=0):
    """(states [n, k] float32, actions as the protocol wants them)."""
    states, actions = case.states(np.random.default_rng(seed), n)
    return states.astype(np.float32), actions.astype(np.int64 if actions.dtype.kind == "i" else np.float32)


def state_of(case, states):
    """Columns [n, k] in the form of the environment's state: a tensor as it is, or a NamedTuple of its columns."""
    form = case.make(1).start(tf.zeros((1, case.ours.num_start_uniforms)))
    return states if tf.is_tensor(form) else type(form)(*tf.unstack(states, axis=-1))


def columns_of(state):
    """The columns [n, k] of an environment's state."""
    return state if tf.is_tensor(state) else tf.stack(state, -1)


def advance(case, states, actions, compiled=True):
    """The environment's (state [n, k], observation, reward, terminated), as NumPy arrays."""
    environment = case.make(len(states))

    def step(states, actions):
        uniforms = tf.zeros((len(states), 0))
        after, reward, terminated = environment.advance(state_of(case, states), actions, uniforms)
        return columns_of(after), environment.observe(after), reward, terminated

    step = tf.function(step, jit_compile=True) if compiled else step
    actions = actions if isinstance(environment.action_space, Discrete) else actions[:, None]
    return [x.numpy() for x in step(tf.constant(states), tf.constant(actions))]


def distance(case, ours, theirs):
    """|ours − theirs| of states, of angles to the nearest whole turn."""
    difference = abs(ours - theirs)
    for index in case.angles:
        difference[:, index] = abs((difference[:, index] + math.pi) % (2 * math.pi) - math.pi)
    return difference
