"""Cart-pole swing-up and the two-link arm: conservation of energy, Lagrange's equations, ends of the track, frames."""

import math
from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from rl.environments.compiled import CartPoleSwingUp, Reacher, cartpole_swing_up, reacher
from rl.environments.compiled.contract import check_contract
from rl.environments.compiled.mechanics import runge_kutta
from rl.environments.compiled.reacher import ReacherState
from rl.settings import SettingError

G, M_POLE, M_CART, HALF, INERTIA = 9.8, 0.1, 1.0, 0.5, 0.25


def cart_lagrangian(q, v):
    """T − V of a cart and a uniform pole of mass m and half-length l, θ from upright."""
    (_, theta), (x_dot, theta_dot) = q, v
    kinetic = 0.5 * (M_CART + M_POLE) * x_dot**2 + M_POLE * HALF * x_dot * theta_dot * np.cos(theta)
    kinetic += 0.5 * (4 / 3) * M_POLE * HALF**2 * theta_dot**2
    return kinetic, M_POLE * G * HALF * np.cos(theta)


def arm_lagrangian(q, v):
    """T of two masses of 1 kg at the ends of links of 0.5 m, from their velocities in the plane; V = 0."""
    first, both = q[0], q[0] + q[1]
    elbow = 0.5 * v[0] * np.array([-np.sin(first), np.cos(first)])
    hand = elbow + 0.5 * (v[0] + v[1]) * np.array([-np.sin(both), np.cos(both)])
    return 0.5 * (elbow @ elbow + hand @ hand), 0.0


def forces_of(lagrangian, q, v, acceleration, h=1e-4):
    """d/dt ∂L/∂v − ∂L/∂q along q(t) = q + v t + ½ a t², by central differences."""

    def value(q, v):
        kinetic, potential = lagrangian(q, v)
        return kinetic - potential

    def slope(function, at, step):
        return np.array([(function(at + e) - function(at - e)) / (2 * step) for e in step * np.eye(2)])

    def momentum(t):
        place, speed = q + v * t + 0.5 * acceleration * t**2, v + acceleration * t
        return slope(lambda s: value(place, s), speed, h)

    return (momentum(h) - momentum(-h)) / (2 * h) - slope(lambda p: value(p, v), q, h)


CASES = {
    # state order (x, ẋ, θ, θ̇) and (q₁, q₂, q̇₁, q̇₂); the arm without damping, which Lagrange's equations have not
    "cart": (
        cart_lagrangian,
        lambda s, f: cartpole_swing_up.motion(s, f[..., 0]),
        lambda q, v: [q[0], v[0], q[1], v[1]],
        lambda d: (d[0], d[2], d[1], d[3]),
        lambda f: np.array([f[0], 0.0]),
    ),
    "arm": (
        arm_lagrangian,
        lambda s, f: reacher.motion(s, f, damping=0.0),
        lambda q, v: [*q, *v],
        lambda d: d,
        lambda f: f,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_motion_obeys_lagranges_equations(name):
    """In float64, at 20 random states and forces, against differences of an energy written down apart."""
    lagrangian, motion, packed, ordered, applied = CASES[name]
    random = np.random.default_rng(0)
    for _ in range(20):
        q, v, force = random.normal(size=(3, 2)) * [[2.0], [3.0], [1.0]]
        derivative = motion(tf.constant([packed(q, v)], tf.float64), tf.constant([force], tf.float64))[0].numpy()
        found_v, acceleration = np.array(ordered(derivative)[:2]), np.array(ordered(derivative)[2:])
        np.testing.assert_allclose(found_v, v)
        np.testing.assert_allclose(
            forces_of(lagrangian, q, v, acceleration), applied(force), atol=1e-5 * (1 + np.abs(acceleration).max())
        )


@pytest.mark.parametrize("name", CASES)
def test_without_force_energy_is_kept(name):
    """1,000 steps of 0.02 s in float64: the energy drifts by less than 10⁻⁵ of its scale."""
    lagrangian, motion, packed, ordered, _ = CASES[name]
    state = tf.constant([packed(np.array([0.1, 2.5]), np.array([0.3, -1.0]))], tf.float64)
    none = tf.zeros((1, 2), tf.float64)

    def energy(state):
        numbers = np.array(ordered(state[0].numpy()))
        return sum(lagrangian(numbers[:2], numbers[2:]))

    step = tf.function(lambda s: runge_kutta(lambda moving: motion(moving, none), s, seconds=0.02))
    before, seen = energy(state), []
    for _ in range(1000):
        state = step(state)
        seen.append(energy(state))
    assert np.ptp(seen) < 1e-5 * (abs(before) + 0.5)


def test_runge_kutta_has_order_four():
    """y' = −y: halving the step divides the error after one second by 2⁴."""

    def error(steps):
        y = tf.constant([[1.0]], tf.float64)
        for _ in range(steps):
            y = runge_kutta(lambda y: -y, y, seconds=1.0 / steps)
        return abs(float(y[0, 0]) - math.exp(-1.0))

    np.testing.assert_allclose(error(10) / error(20), 2**4, rtol=0.1)  # higher orders add a few per cent


@pytest.mark.parametrize(
    "kind", [CartPoleSwingUp, partial(Reacher, target=None), partial(Reacher, target=(0.6, 0.3))], ids=str
)
def test_the_contract_holds(kind):
    check_contract(kind(num_envs=3, max_episode_steps=10))


def test_the_cart_stops_at_the_ends_and_the_reward_is_by_hand():
    environment = CartPoleSwingUp(num_envs=3, max_episode_steps=None)
    state = tf.constant([[2.39, 5.0, math.pi, 0.0], [0.0, 0.0, 0.0, 0.0], [1.2, 0.0, 0.0, 0.0]])
    after, reward, terminated = environment.advance(state, tf.zeros((3, 1)), tf.zeros((3, 0)))
    np.testing.assert_allclose(after[0, :2], [2.4, 0.0])
    np.testing.assert_allclose(reward, [0.0, 1.0, 0.75], atol=1e-6)
    assert not terminated.numpy().any()
    beyond, limit = (environment.advance(state, tf.fill((3, 1), a), tf.zeros((3, 0)))[0] for a in (7.0, 1.0))
    np.testing.assert_array_equal(beyond, limit)
    whole_turn = tf.constant([0.0, 0.0, 2 * math.pi, 0.0])
    turned = environment.advance(state + whole_turn, tf.zeros((3, 1)), tf.zeros((3, 0)))[0]
    np.testing.assert_allclose(environment.observe(turned), environment.observe(after), atol=1e-5)


def test_the_frames_show_arm_and_target_where_they_are():
    """The brightest pixels: a straight arm to the right, a target above, an earlier arm that points down."""
    state = ReacherState(*(tf.constant([x], tf.float32) for x in ([0.0, 0.0], [0, 0], [-math.pi / 2, 0], [0.0, 0.9])))
    frame = Reacher(num_envs=1, max_episode_steps=None, target=None).observe(state).numpy()[0]
    assert frame.dtype == np.uint8
    centre = (np.arange(24) + 0.5) / 24 * 2.3 - 1.15
    y, x = np.meshgrid(centre[::-1], centre, indexing="ij")
    now, before, target = (frame[..., k] == 255 for k in range(3))
    assert np.abs(y[now]).max() < 0.12
    assert -0.12 < x[now].min() < 0.05
    assert 0.9 < x[now].max() < 1.12
    assert np.abs(x[before]).max() < 0.12
    assert y[before].min() < -0.9
    np.testing.assert_allclose([x[target].mean(), y[target].mean()], [0.0, 0.9], atol=0.06)
    assert (frame == 0).mean() > 0.8


def test_the_reward_is_the_distance_and_the_arm_remembers_one_step():
    environment = Reacher(num_envs=1, max_episode_steps=None, target=None)
    state = environment.start(tf.constant([[0.7, 0.2, 0.5, 0.25]]))
    np.testing.assert_allclose(state.target, [[0.0, 0.9 * math.sqrt(0.5)]], atol=1e-6)
    after, reward, _ = environment.advance(state, tf.constant([[0.5, -3.0]]), tf.zeros((1, 0)))
    q = after.angles.numpy()[0].astype(float)
    hand = 0.5 * np.array([math.cos(q[0]) + math.cos(q.sum()), math.sin(q[0]) + math.sin(q.sum())])
    np.testing.assert_allclose(reward, [-np.linalg.norm(hand - state.target.numpy()[0])], rtol=1e-5)
    np.testing.assert_array_equal(after.before, state.angles)
    assert np.abs(after.speeds).min() > 0.0


def test_a_target_stays_in_its_place_or_changes_with_the_episode():
    uniforms = tf.constant([[0.7, 0.2, 0.5, 0.25], [0.1, 0.3, 0.9, 0.75]])
    fixed, changing = (Reacher(num_envs=2, max_episode_steps=None, target=place) for place in ((0.6, 0.3), None))
    np.testing.assert_allclose(fixed.start(uniforms).target, [[0.6, 0.3]] * 2)
    np.testing.assert_array_equal(fixed.start(uniforms).angles, changing.start(uniforms).angles)
    places = changing.start(uniforms).target.numpy()
    np.testing.assert_allclose(np.linalg.norm(places, axis=1), 0.9 * np.sqrt([0.5, 0.9]), rtol=1e-6)
    with pytest.raises(SettingError, match=r"target is \[0\.6\]; it must be a list of 2"):
        Reacher(num_envs=1, max_episode_steps=None, target=[0.6])
