"""Schedules of frozen copies: hard, Polyak, snapshot and never, and the copies' ages."""

import re

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rl.errors import ConfigError
from rl.frozen import FrozenState, Hard, Never, Polyak, Snapshot

EPS = np.finfo(np.float32).eps
SCHEDULES = {"never": Never(), "snapshot": Snapshot(), "hard": Hard(every_updates=1), "polyak": Polyak(tau=0.5)}


def weights(*numbers):
    """Weights of two parts, so that a schedule that forgets one fails."""
    return {"torso": tuple(tf.constant([x]) for x in numbers), "policy": (tf.constant([[-numbers[0]]]),)}


def new_copy(*numbers):
    return FrozenState(weights(*numbers), tf.constant(0.0))


def first(state):
    """The copy's position as one number; the other part must agree."""
    number, mirror = float(state.weights["torso"][0][0]), float(state.weights["policy"][0][0, 0])
    assert number == -mirror
    return number


def follow(schedule, num_updates):
    """(copy, age) after each update, from a copy at 0; update k makes the live weights k."""
    copy, seen = new_copy(0.0), []
    for k in range(1, num_updates + 1):
        copy = schedule.after_update(copy, weights(float(k)), tf.constant(k, tf.int64))
        seen.append((first(copy), float(copy.age)))
    return seen


@pytest.mark.parametrize("every", [1, 2, 3, 5])
def test_a_hard_copy_is_the_live_weights_of_the_last_multiple(every):
    """After update k it stands at n⌊k/n⌋, k mod n updates old."""
    assert follow(Hard(every_updates=every), 11) == [(every * (k // every), k % every) for k in range(1, 12)]


def test_a_hard_copy_by_hand():
    """Every 2: 0 and 1 old, 2 and 0, 2 and 1, 4 and 0."""
    assert follow(Hard(every_updates=2), 4) == [(0, 1), (2, 0), (2, 1), (4, 0)]


def test_a_polyak_copy_by_hand():
    """τ = ½ towards 1, 2, 3: ½, ½(½ + 2) = 1¼, ½(1¼ + 3) = 2⅛; ages ½(0 + 1) = ½, ½(½ + 1) = ¾, ½(¾ + 1) = ⅞."""
    assert follow(Polyak(tau=0.5), 3) == [(0.5, 0.5), (1.25, 0.75), (2.125, 0.875)]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.floats(0.001, 1), st.integers(1, 25))
def test_a_polyak_copy_and_its_age_are_weighted_means(tau, num_updates):
    """Weights (1 − τ)^k of the start, age k, and τ(1 − τ)^{k−j} of the live weights after update j, age k − j.

    Three roundings of numbers up to 25 in each of 25 updates.
    """
    for k, (number, age) in enumerate(follow(Polyak(tau=tau), num_updates), start=1):
        share = np.array([(1 - tau) ** k] + [tau * (1 - tau) ** (k - j) for j in range(1, k + 1)])
        np.testing.assert_allclose(number, share @ np.arange(k + 1), rtol=0, atol=25 * 3 * 25 * EPS)
        np.testing.assert_allclose(age, share @ (k - np.arange(k + 1)), rtol=0, atol=25 * 3 * 25 * EPS)


def test_a_polyak_copy_with_tau_one_is_the_live_weights_bit_for_bit():
    live = weights(1 / 3, 1e-30, 3e38)
    copy = Polyak(tau=1.0).after_update(new_copy(0.7, -1e30, 1.0), live, tf.constant(1, tf.int64))
    tf.nest.map_structure(np.testing.assert_array_equal, copy.weights, live)
    assert float(copy.age) == 0.0


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.floats(0.001, 1), st.floats(-1e3, 1e3, width=32), st.floats(-1e3, 1e3, width=32))
def test_a_polyak_copy_stays_between_the_old_and_the_live(tau, old, live):
    """Up to the rounding of two products and a sum of numbers below 10³."""
    moved = first(Polyak(tau=tau).after_update(new_copy(old), weights(live), tf.constant(1, tf.int64)))
    slack = 3 * 1e3 * EPS
    assert min(old, live) - slack <= moved <= max(old, live) + slack


def test_a_snapshot_takes_the_live_weights_at_an_iteration_and_only_then():
    copy = Snapshot().at_iteration(FrozenState(weights(1.0), tf.constant(7.0)), weights(2.0))
    assert (first(copy), float(copy.age)) == (2.0, 0.0)
    for k in range(1, 4):
        copy = Snapshot().after_update(copy, weights(9.0), tf.constant(k, tf.int64))
        assert (first(copy), float(copy.age)) == (2.0, k)


def test_an_anchor_never_moves_and_grows_old():
    assert follow(Never(), 3) == [(0, 1), (0, 2), (0, 3)]
    assert first(Never().at_iteration(new_copy(1.0), weights(2.0))) == 1.0


@pytest.mark.parametrize("name", ["never", "hard", "polyak"])
def test_an_iterations_start_moves_a_snapshot_alone(name):
    copy = SCHEDULES[name].at_iteration(FrozenState(weights(1.0), tf.constant(3.0)), weights(2.0))
    assert (first(copy), float(copy.age)) == (1.0, 3.0)


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_a_copy_does_not_follow_a_variable_that_it_was_taken_from(name):
    variable = tf.Variable([2.0])
    live = {"torso": (variable,), "policy": (tf.constant([[-2.0]]),)}
    copy = SCHEDULES[name].at_iteration(new_copy(1.0), live)
    copy = SCHEDULES[name].after_update(copy, live, tf.constant(1, tf.int64))
    before = first(copy)
    variable.assign_add([100.0])
    assert first(copy) == before


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_no_gradient_flows_into_a_copy(name):
    live = weights(2.0)
    with tf.GradientTape() as tape:
        tape.watch(live)
        copy = SCHEDULES[name].at_iteration(new_copy(1.0), live)
        copy = SCHEDULES[name].after_update(copy, live, tf.constant(1, tf.int64))
        total = tf.add_n([tf.reduce_sum(x) for x in tf.nest.flatten(copy.weights)])
    assert tape.gradient(total, tf.nest.flatten(live)) == [None, None]


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_compiled_equals_eager(name):
    """At powers of two no rounding can differ."""
    compiled = tf.function(SCHEDULES[name].after_update, jit_compile=True, autograph=False)
    arguments = new_copy(0.5), weights(2.0), tf.constant(2, tf.int64)
    tf.nest.map_structure(np.testing.assert_array_equal, compiled(*arguments), SCHEDULES[name].after_update(*arguments))


@pytest.mark.parametrize(("schedule", "value"), [(Hard, 0), (Hard, -1), (Polyak, 0.0), (Polyak, -0.5), (Polyak, 1.5)])
def test_a_value_outside_the_range_is_refused_by_name(schedule, value):
    key, allowed = {Hard: ("every_updates", "a positive whole number"), Polyak: ("tau", "a number in (0, 1]")}[schedule]
    with pytest.raises(ConfigError, match=re.escape(f"{key} is {value}; it must be {allowed}")):
        schedule(**{key: value})
