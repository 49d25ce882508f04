"""States and actions on which classic control is compared: random ones, and ones on both sides of every limit.

A sampler gives (states [n, k], actions [n]); a margin says how far the successor was from another decision, [n].
"""

import math

import numpy as np
import tensorflow as tf

from rl.environments.compiled import Acrobot
from rl.environments.compiled.acrobot import AcrobotState

ANGLE_LIMIT = 12 * 2 * math.pi / 360


def offsets(rng, n):
    """Distances from a limit to either side, from 3e-6, which float32 still tells apart, to 0.1."""
    return rng.choice([-1, 1], n) * 10 ** rng.uniform(-5.5, -1, n)


def together(rng, n, *parts):
    """The parts' samples after each other, equally many of each."""
    return np.concatenate([part(rng, n // len(parts)) for part in parts])


def cartpole(rng, n):
    def anywhere(rng, n):
        return rng.uniform([-2.5, -4, -0.25, -4], [2.5, 4, 0.25, 4], (n, 4))

    def leaving(index, limit):
        """The next position is the limit and an offset, to the left or to the right."""

        def sample(rng, n):
            state = anywhere(rng, n)
            state[:, index] = rng.choice([-1, 1], n) * (limit + offsets(rng, n)) - 0.02 * state[:, index + 1]
            return state

        return sample

    states = together(rng, n, anywhere, leaving(0, 2.4), leaving(2, ANGLE_LIMIT))
    return states, rng.integers(2, size=n)


def cartpole_margin(state, action, after):
    return np.minimum(abs(abs(after[:, 0]) - 2.4), abs(abs(after[:, 2]) - ANGLE_LIMIT))


def acrobot(rng, n):
    limits = np.array([math.pi, math.pi, 4 * math.pi, 9 * math.pi])

    def anywhere(rng, n):
        return rng.uniform(-limits, limits, (n, 4))

    def at_limits(rng, n):
        """Each number is a limit of its own, of either sign, and an offset, or anything."""
        edge = rng.choice([-1, 1], (n, 4)) * (limits + offsets(rng, 4 * n).reshape(n, 4))
        return np.where(rng.random((n, 4)) < 0.5, edge, anywhere(rng, n) * [1, 1, 0.1, 0.1])

    states, action = together(rng, n, anywhere, anywhere, at_limits), rng.integers(3, size=n)
    goal = slice(n // 3, n // 3 * 2)
    states[goal] = to_the_goal(rng, states[goal], action[goal])
    return states, action


def to_the_goal(rng, state, action):
    """Slow states whose successors' height is 1 and an offset: the first angle is found by the secant method."""
    n = len(state)
    environment, wanted = Acrobot(num_envs=n, max_episode_steps=None), 1 + offsets(rng, n)
    rest = np.concatenate([state[:, 1:2], rng.normal(0, 0.1, (n, 2))], 1)

    def excess(angle):
        after, *_ = environment.advance(AcrobotState(*map(tf.constant, (angle, *rest.T))), tf.constant(action), None)
        return acrobot_height(np.stack(after, -1)) - wanted

    angle, other = state[:, 0], state[:, 0] + 0.01
    value, other_value = excess(angle), excess(other)
    for _ in range(12):
        step = value * (other - angle) / np.where(other_value == value, 1.0, other_value - value)
        other, other_value = angle, value
        angle = angle - np.clip(step, -0.3, 0.3)
        value = excess(angle)
    return np.column_stack([(angle + math.pi) % (2 * math.pi) - math.pi, rest])


def acrobot_height(state):
    return -np.cos(state[:, 0]) - np.cos(state[:, 0] + state[:, 1])


def acrobot_margin(state, action, after):
    """Fifty times as much for slow links, since fast ones magnify the rounding of their angles."""
    slow = (abs(state[:, 2:]) < 0.1 * math.pi * np.array([4, 9])).all(-1)
    return np.where(slow, 50, 1) * abs(acrobot_height(after) - 1)


def valley(rng, n, push, goal):
    """Anywhere; about to reach the walls or the goal; about to reach a limit of the velocity, or rest, at the goal."""
    x = rng.uniform(-1.25, 0.62, n)
    speed = rng.uniform(-0.08, 0.08, n)
    kind = rng.integers(3, size=n)
    place = rng.choice([-1.2, 0.6, goal], n) + offsets(rng, n)
    x = np.where(kind == 1, place - speed, x)
    speed = np.where(kind == 2, rng.choice([-0.07, 0.0, 0.07], n) + 0.1 * offsets(rng, n), speed)
    x = np.where((kind == 2) & (abs(speed) < 0.03), goal + rng.uniform(-0.01, 0.05, n), x)
    return np.stack([x, speed - push + 0.0025 * np.cos(3 * x)], -1)


def mountain_car(rng, n):
    action = rng.integers(3, size=n)
    return valley(rng, n, (action - 1) * 0.001, 0.5), action


def mountain_car_continuous(rng, n):
    action = rng.uniform(-1.5, 1.5, n)
    action[: n // 3] = rng.choice([-1, 1], n // 3) * (1 + offsets(rng, n // 3))
    return valley(rng, n, np.clip(action, -1, 1) * 0.0015, 0.45), action


def valley_margin(push, goal):
    """Decided are: the stop at the left wall, and at the goal whether the car is there and whether it rolls back."""

    def margin(state, action, after):
        speed = np.clip(state[:, 1] + push(action) - 0.0025 * np.cos(3 * state[:, 0]), -0.07, 0.07)
        wall = abs(state[:, 0] + speed + 1.2)
        back = np.where(after[:, 0] > goal - 1e-6, abs(speed), np.inf)
        return np.minimum(wall, np.minimum(abs(after[:, 0] - goal), 10 * back))

    return margin


def pendulum(rng, n):
    theta = rng.uniform(-3 * math.pi, 3 * math.pi, n)
    speed = rng.uniform(-8.5, 8.5, n)
    torque = rng.uniform(-3, 3, n)
    kind = rng.integers(4, size=n)
    theta = np.where(kind == 1, rng.choice([-3, -1, 1, 3], n) * math.pi + offsets(rng, n), theta)
    torque = np.where(kind == 2, rng.choice([-2, 2], n) + offsets(rng, n), torque)
    limit = rng.choice([-8, 8], n) + offsets(rng, n)
    speed = np.where(kind == 3, limit - 0.05 * (15 * np.sin(theta) + 3 * np.clip(torque, -2, 2)), speed)
    return np.stack([theta, speed], -1), torque


def no_decision(state, action, after):
    """Clipping and wrapping are continuous here; nothing flips."""
    return np.full(len(state), np.inf)
