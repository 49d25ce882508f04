"""Compiled classic control against Gymnasium's own, transition by transition."""

import math

import gymnasium
import numpy as np
import pytest
from classic_control import CASES, TOTAL, advance, ask_gymnasium, distance, sample
from classic_control_states import acrobot_height

from rl.environments.compiled import Acrobot, CartPole, MountainCar, MountainCarContinuous, Pendulum
from rl.spaces import Box

EPS = np.finfo(np.float32).eps
# How far a float32 successor may be from the float64 one. CartPole and Pendulum: numbers up to 8 and, before whole
# turns are taken off, angles up to 10, rounded a few times. The cars: numbers up to 1.25, rounded twice. Acrobot: a
# link at 9π rad/s turns 5.7 rad in a step of four stages, which magnifies the rounding of an angle a thousand times
# (the same operations in float64 agree to 1e-10); slower links are held to SLOW below.
STATE_TOLERANCE = {
    CartPole: 8 * EPS,
    Acrobot: np.array([1e-4, 1e-4, 0.03, 0.03]),
    MountainCar: 2 * EPS,
    MountainCarContinuous: 2 * EPS,
    Pendulum: 8 * EPS,
}
SLOW = 1e-5  # Acrobot's rates within half of their limits: sixteen units of the largest, 4.5π
REWARD_TOLERANCE = 64 * EPS  # one unit of 100, half a unit of Pendulum's 17 from each of four roundings
# Acrobot: of the goal's height, as of the angles, and 2e-6 for slow links; elsewhere 1e-6, four units of 2.4.
DECISION_TOLERANCE = {Acrobot: 1e-4}

cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


def as_the_adapter_does(case, actions):
    """Clipped to the bounds, so that MountainCarContinuous charges for the throttle that was given."""
    return np.clip(actions, -1, 1) if case.ours is MountainCarContinuous else actions


@cases
def test_transitions_are_gymnasiums(case):
    states, actions = sample(case)
    theirs = ask_gymnasium(case, states, as_the_adapter_does(case, actions))
    after, observation, reward, terminated = advance(case, states, actions)

    margin = case.margin(states.astype(np.float64), actions, theirs.state)
    decided = margin >= DECISION_TOLERANCE.get(case.ours, 1e-6)
    error = distance(case, after, theirs.state)[decided]
    assert len(states) == TOTAL >= 100_000
    assert decided.mean() > 1 - 1e-3

    tolerance = STATE_TOLERANCE[case.ours]
    assert (error <= tolerance).all()
    observed = abs(observation - theirs.observation)[decided]
    columns = [0, 0, 1, 1, 2, 3] if case.ours is Acrobot else slice(None)
    # Gymnasium's observation is rounded to float32: half a unit of at most 9π, or of 8.
    assert (observed <= np.broadcast_to(tolerance, 4)[columns][: observed.shape[1]] + 8 * EPS).all()
    np.testing.assert_array_equal(terminated[decided], theirs.terminated[decided])
    np.testing.assert_allclose(reward[decided], theirs.reward[decided], rtol=0, atol=REWARD_TOLERANCE)


@cases
def test_the_sample_has_both_sides_of_every_decision_and_every_kind_of_clipping(case):
    states, actions = sample(case)
    after, observation, _, terminated = advance(case, states, actions)
    near = case.margin(states.astype(np.float64), actions, after.astype(np.float64)) < 1e-3
    if case.ours is not Pendulum:
        assert min(terminated[near].sum(), (~terminated[near]).sum()) > 20
    low, high = gymnasium.make(case.id).observation_space.low, gymnasium.make(case.id).observation_space.high
    if case.ours is not CartPole:
        at_low, at_high = (observation <= low).sum(0), (observation >= high).sum(0)
        clipped = [-2, -1] if case.ours is Acrobot else [-1] if case.ours is Pendulum else [0, 1]
        assert min(at_low[clipped].min(), at_high[clipped].min()) > 100
    if case.ours in {MountainCar, MountainCarContinuous}:
        assert ((after[:, 0] == np.float32(-1.2)) & (after[:, 1] == 0)).sum() > 100
    if case.ours is Acrobot:
        raw = states[:, :2] + 0.2 * states[:, 2:]
        assert ((abs(raw) > math.pi).sum(0) > 100).all()
        assert (abs(raw[:, 1]) > 2.7 * math.pi).sum() > 100
    if isinstance(case.ours.action_space, Box):
        bound = case.ours.action_space.high[0]
        assert min((actions > bound).sum(), (actions < -bound).sum()) > 1000


def test_a_throttle_beyond_its_bounds_costs_its_bound_where_gymnasium_charges_what_was_asked():
    case = CASES[3]
    states, actions = sample(case, 3000)
    theirs = ask_gymnasium(case, states, actions)
    after, _, reward, _ = advance(case, states, actions)
    assert distance(case, after, theirs.state).max() <= STATE_TOLERANCE[case.ours]
    overcharge = 0.1 * np.maximum(actions**2 - 1, 0)
    np.testing.assert_allclose(reward, theirs.reward + overcharge, rtol=0, atol=REWARD_TOLERANCE)


def test_acrobot_is_gymnasiums_to_the_last_digits_in_double_precision():
    """The equations are the same, however fast the links turn: what remains is rounding, magnified 1e4 times."""
    case = CASES[1]
    states, actions = sample(case, 6000)
    theirs = ask_gymnasium(case, states, actions)
    after, _, _, terminated = advance(case, states.astype(np.float64), actions, compiled=False)
    assert distance(case, after, theirs.state).max() < 1e-10
    np.testing.assert_array_equal(terminated, theirs.terminated)
    assert (abs(acrobot_height(theirs.state) - 1) < 1e-4).sum() > 100


def test_acrobots_angles_stay_within_half_a_turn():
    """Beside equality up to whole turns; float32's π, a little more than π, is the limit."""
    states, actions = sample(CASES[1])
    after, *_ = advance(CASES[1], states, actions)
    assert (abs(after[:, :2]) <= np.float32(math.pi)).all()


def test_acrobot_with_slow_links_is_gymnasiums_to_float32():
    case = CASES[1]
    states, actions = sample(case, 30_000)
    slow = (abs(states[:, 2:]) < [2 * math.pi, 4.5 * math.pi]).all(-1)
    states, actions = states[slow], actions[slow]
    assert len(states) > 10_000
    after, *_ = advance(case, states, actions)
    assert distance(case, after, ask_gymnasium(case, states, actions).state).max() < SLOW


@cases
def test_the_compiled_program_gives_what_eager_mode_gives(case):
    """To what float32 may differ from float64 at all: XLA fuses and reorders."""
    states, actions = sample(case, 6000)
    eager, compiled = (advance(case, states, actions, compiled=mode) for mode in (False, True))
    decided = case.margin(states.astype(np.float64), actions, eager[0].astype(np.float64)) >= 1e-4
    assert (distance(case, eager[0], compiled[0])[decided] <= STATE_TOLERANCE[case.ours]).all()
    np.testing.assert_allclose(eager[2][decided], compiled[2][decided], rtol=0, atol=REWARD_TOLERANCE)
    np.testing.assert_array_equal(eager[3][decided], compiled[3][decided])
