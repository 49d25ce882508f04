"""Learning-rate factors by part: steps by hand, what a pattern matches, and what is refused."""

import numpy as np
import pytest
import tensorflow as tf

from rl.errors import ConfigError
from rl.gradients import LIVE, Objective
from rl.updates import UpdateRule
from rl.updates.combiners import Sum
from rl.updates.optimizers import SGD, Adam

NAMES = {
    "torso": ("torso/dense_0/kernel", "torso/dense_0/bias"),
    "policy": ("policy/logits/kernel", "policy/logits/bias"),
    "value": ("value/linear/kernel", "value/linear/bias"),
}
READS = {"policy": ("torso", "policy"), "value": ("torso", "value")}
SHARED = {"learning_rate": 0.1, "head_learning_rate": 0.4, "schedule": "linear", "clip_norm": None, "clip_value": None}
GRADIENT = {part: (tf.constant([1.0, -2.0, 3.0]), tf.constant([4.0])) for part in NAMES}
WEIGHTS = {part: (tf.zeros(3), tf.zeros(1)) for part in NAMES}
HALF = tf.constant(0.5)  # of the training: the linear schedule leaves 0.05 to the torso and 0.2 to the heads


def rule(optimizer, objectives=("policy", "value")):
    return UpdateRule(
        objectives=[Objective(name, 1.0, {LIVE: READS[name]}) for name in objectives],
        groups={name: [name] for name in objectives},
        names=NAMES,
        heads=("policy", "value"),
        combiner=Sum(scope="global", row_weights=None),
        optimizer=optimizer,
    )


def delta(optimizer):
    some = rule(optimizer)
    step, _ = some.step(GRADIENT, WEIGHTS, some.init(WEIGHTS), HALF)
    return step.delta


@pytest.mark.parametrize(
    ("rates", "expected"),  # the rates of kernel and bias of each part
    [
        ({}, {"torso": (0.05, 0.05), "policy": (0.2, 0.2), "value": (0.2, 0.2)}),
        ({"value": 10}, {"torso": (0.05, 0.05), "policy": (0.2, 0.2), "value": (2.0, 2.0)}),
        ({"value": 10, "policy/*": 0.5}, {"torso": (0.05, 0.05), "policy": (0.1, 0.1), "value": (2.0, 2.0)}),
        ({"*/bias": 4, "torso": 2}, {"torso": (0.1, 0.4), "policy": (0.2, 0.8), "value": (0.2, 0.8)}),
        ({"[pv]*": 2, "value/linear/bias": 3}, {"torso": (0.05, 0.05), "policy": (0.4, 0.4), "value": (0.4, 1.2)}),
    ],
    ids=["none", "a part", "two parts", "weights of all parts", "factors multiply"],
)
def test_a_step_by_hand(rates, expected):
    for part, steps in delta(SGD(**SHARED, rates=rates)).items():
        for step, gradient, rate in zip(steps, GRADIENT[part], expected[part], strict=True):
            np.testing.assert_allclose(step, -rate * gradient, rtol=3e-7)  # three float32 roundings of 6e-8


def test_the_factor_is_on_adams_learning_rate_and_other_parts_keep_their_bits():
    own = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-5}
    usual, faster = (delta(Adam(**SHARED, **own, rates=rates)) for rates in ({}, {"value": 10}))
    for part in ("torso", "policy"):
        for one, other in zip(usual[part], faster[part], strict=True):
            np.testing.assert_array_equal(one, other)
    for one, other in zip(usual["value"], faster["value"], strict=True):
        np.testing.assert_allclose(10.0 * one, other, rtol=3e-7)  # Adam's step is linear in its learning rate


@pytest.mark.parametrize("pattern", ["critic", "Value", "value/", "torso/dense_1/*"])
def test_a_pattern_without_a_match_is_refused(pattern):
    with pytest.raises(ConfigError, match=r"optimizer\.rates has .*no part .*torso, policy, value"):
        rule(SGD(**SHARED, rates={"value": 2, pattern: 10}))


def test_a_pattern_may_match_parts_that_this_rule_does_not_move():
    some = rule(SGD(**SHARED, rates={"policy": 10, "torso": 2}), objectives=("value",))
    step, _ = some.step(GRADIENT, WEIGHTS, some.init(WEIGHTS), HALF)
    assert set(step.delta) == {"torso", "value"}
    np.testing.assert_allclose(step.delta["torso"][0], [-0.1, 0.2, -0.3], rtol=3e-7)


@pytest.mark.parametrize("factor", [0, -1.0, float("nan"), float("inf"), True, "10", None])
def test_a_factor_is_a_positive_finite_number(factor):
    with pytest.raises(ConfigError, match=r"rates\.value is .*; it must be a positive number"):
        SGD(**SHARED, rates={"value": factor})


@pytest.mark.parametrize("rates", [10, None, ["value", 10]])
def test_rates_are_a_mapping(rates):
    with pytest.raises(ConfigError, match=r"rates is .*; it must be a mapping from names to values"):
        SGD(**SHARED, rates=rates)
