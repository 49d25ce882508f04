"""Learning-rate schedules at the start, on the way and at the end."""

import numpy as np
import pytest
import tensorflow as tf

from rl.schedules import SCHEDULES
from rl.updates.optimizers import SGD

FLOAT32 = 2e-7  # a few float32 roundings of 6e-8 on factors of at most 1


@pytest.mark.parametrize(
    ("name", "at_0", "at_quarter", "at_half", "at_1"),
    [
        ("constant", 1.0, 1.0, 1.0, 1.0),
        ("linear", 1.0, 0.75, 0.5, 0.0),
        ("cosine", 1.0, 0.5 + np.sqrt(2.0) / 4.0, 0.5, 0.0),  # ½ (1 + cos π/4) = ½ + √2/4
    ],
)
def test_factor_by_hand(name, at_0, at_quarter, at_half, at_1):
    factors = SCHEDULES[name](tf.constant([0.0, 0.25, 0.5, 1.0]))
    assert factors.dtype == tf.float32
    np.testing.assert_allclose(factors, [at_0, at_quarter, at_half, at_1], rtol=0, atol=FLOAT32)


def test_every_schedule_is_tested():
    assert set(SCHEDULES) == {"constant", "linear", "cosine"}


@pytest.mark.parametrize("name", SCHEDULES)
def test_factor_never_rises_and_stays_between_0_and_1(name):
    factors = SCHEDULES[name](tf.linspace(0.0, 1.0, 101)).numpy()
    assert np.all(np.diff(factors) <= 0.0)
    assert np.all((factors >= 0.0) & (factors <= 1.0))


def test_cosine_is_level_at_both_ends():
    progress = tf.constant([0.0, 0.5, 1.0])
    with tf.GradientTape() as tape:
        tape.watch(progress)
        factors = SCHEDULES["cosine"](progress)
    # d/dp ½ (1 + cos πp) = −½ π sin πp: 0, −π/2, 0; float32 π is off by 9e-8, and so is its sine.
    np.testing.assert_allclose(tape.gradient(factors, progress), [0.0, -np.pi / 2, 0.0], rtol=0, atol=5e-7)


@pytest.mark.parametrize(
    ("schedule", "factor"), [("constant", 1.0), ("linear", 0.75), ("cosine", 0.5 + np.sqrt(2.0) / 4.0)]
)
@pytest.mark.parametrize(("head", "expected_head"), [(None, 0.2), (0.6, 0.6)])
def test_torso_and_heads_follow_the_schedule_from_their_own_rates(schedule, factor, head, expected_head):
    optimizer = SGD(
        learning_rate=0.2, head_learning_rate=head, rates={}, schedule=schedule, clip_norm=None, clip_value=None
    )
    rates = optimizer.learning_rates(tf.constant(0.25))
    np.testing.assert_allclose(rates, [0.2 * factor, expected_head * factor], rtol=FLOAT32)
