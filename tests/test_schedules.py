"""Learning-rate schedules at the start, on the way and at the end."""

import numpy as np
import pytest
import tensorflow as tf

from rl.errors import ConfigError
from rl.learning.state import read
from rl.schedules import SCHEDULES, Constant, Cosine, Linear, Piecewise
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


@pytest.mark.parametrize(
    ("schedule", "steps", "values"),
    [
        (Constant(value=0.3), [0, 50, 1e9], [0.3, 0.3, 0.3]),
        (Linear(start=1.0, end=0.2, steps=100), [0, 25, 50, 100, 1000], [1.0, 0.8, 0.6, 0.2, 0.2]),
        (Linear(start=0, end=2, steps=4), [0, 1, 4], [0.0, 0.5, 2.0]),
        (Cosine(start=1.0, end=0.0, steps=100), [0, 50, 100, 101], [1.0, 0.5, 0.0, 0.0]),
        (Piecewise(values=[3, 2, 1], boundaries=[10, 20]), [0, 9, 10, 19, 20, 99], [3, 3, 2, 2, 1, 1]),
    ],
)
def test_values_by_hand(schedule, steps, values):
    found = [float(schedule.at(tf.constant(step, tf.float32))) for step in steps]
    np.testing.assert_allclose(found, values, rtol=0, atol=3 * FLOAT32)
    assert all(min(schedule.knots.values()) <= value <= max(schedule.knots.values()) for value in values)


def test_pieces_must_fit():
    with pytest.raises(ConfigError, match="has 2 values and 2 boundaries"):
        Piecewise(values=[1, 2], boundaries=[10, 20])
    with pytest.raises(ConfigError, match=r"are \[20.0, 10.0\]; they must increase"):
        Piecewise(values=[1, 2, 3], boundaries=[20, 10])


SMALL = (
    "environment=compiled/cartpole",
    "num_envs=4",
    "agent.rollout_length=16",
    "network.torso.widths=[8]",
    "probe=none",
    "steps=640",
)
SCHEDULED = (
    "agent.clip={_target_:rl.schedules.Linear,start:0.2,end:0.0,steps:320}",
    "agent.coefficients.entropy={_target_:rl.schedules.Piecewise,values:[0.1,0.2],boundaries:[128]}",
    "agent.coefficients.value={_target_:rl.schedules.Constant,value:0.25}",
    "optimizer.schedule=constant",
    "optimizer.learning_rate={_target_:rl.schedules.Cosine,start:1e-3,end:1e-4,steps:640}",
)


def test_any_number_of_a_config_may_follow_a_schedule(build):
    """The learning rates logged are those by hand, and learning is that of the numbers given at each step."""
    experiment = build(*(x for x in SMALL if x != "probe=none"), "probe.names=[norms]", *SCHEDULED)
    assert experiment.prober.legend.changing == ("value", "entropy")
    programs = experiment.programs(probe_every=10)
    rates = [programs.iterate(1).metrics["update/learning_rate"][0] for _ in range(6)]
    progress = np.arange(6) * 64 / 640
    np.testing.assert_allclose(rates, 1e-4 + 9e-4 * 0.5 * (1 + np.cos(np.pi * progress)), rtol=1e-5)


def test_the_agent_of_a_moment_has_the_values_of_its_step(build):
    learner = build(*SMALL, *SCHEDULED).learner
    state = read(build(*SMALL, *SCHEDULED).variables)
    for iteration, clip, entropy in ((0, 0.2, 0.1), (2, 0.12, 0.2), (5, 0.0, 0.2), (9, 0.0, 0.2)):
        agent = learner.at(state._replace(iteration=tf.constant(iteration, tf.int64))).agent
        np.testing.assert_allclose(agent.clip, clip, atol=1e-7)
        np.testing.assert_allclose(agent.coefficients["entropy"], entropy, rtol=1e-6)
        np.testing.assert_allclose(agent.coefficients["value"], 0.25)
        np.testing.assert_allclose(agent.coefficients["policy"], 1.0)


def test_ends_of_a_schedule_are_inputs_of_the_programs(build):
    keys = set(build(*SMALL, *SCHEDULED).learner.hyperparameters)
    assert {"agent.clip.start", "agent.clip.end", "agent.clip.steps", "optimizer.learning_rate.start"} <= keys
    assert "agent.clip" not in keys


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "agent.clip={_target_:rl.schedules.Linear,start:0.2,end:-0.1,steps:320}",
            r"agent.clip.end is -0.1; it must be a",
        ),
        (
            "agent.gamma={_target_:rl.schedules.Linear,start:0.2,end:1.1,steps:320}",
            r"agent.gamma.end is 1.1; it must be a",
        ),
        (
            "agent.coefficients.entropy={_target_:rl.schedules.Piecewise,values:[0.1,nan],boundaries:[128]}",
            r"agent.coefficients.entropy.values\[1\] is nan",
        ),
        ("agent.clip={_target_:rl.schedules.Linear,start:0.2,end:0.1}", "agent.clip.steps must be given"),
        ("agent.rollout_length={_target_:rl.schedules.Constant,value:4}", "agent.rollout_length is"),
    ],
)
def test_a_value_that_its_field_may_not_have_is_refused_at_its_place(build, override, message):
    with pytest.raises(ConfigError, match=message):
        build(*SMALL, "normalize.gamma=0.9", override)
