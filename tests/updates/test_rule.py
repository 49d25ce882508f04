"""The update rule: rows and one summed pass agree, heads are uncombined, and every stage has its documented result."""

import numpy as np
import pytest
import tensorflow as tf

from rl.errors import ConfigError
from rl.gradients import LIVE, Objective, watched_rows
from rl.updates import UpdateRule
from rl.updates.combiners import IMTLG, MGDA, Only, PCGrad, Sum
from rl.updates.optimizers import SGD, Adam

NAMES = {
    "torso": ("torso/dense_0/kernel", "torso/dense_1/kernel"),
    "policy": ("policy/kernel",),
    "value": ("value/kernel",),
}
OBJECTIVES = (
    Objective("policy", 1.0, {LIVE: ("torso", "policy")}),
    Objective("value", 0.5, {LIVE: ("torso", "value")}),
    Objective("entropy", 0.01, {LIVE: ("torso", "policy")}),
)
GROUPS = {"actor": ("policy", "entropy"), "critic": ("value",)}
SEED = tf.constant([1, 2])


def sgd(**changes):
    settings = {
        "learning_rate": 0.1,
        "head_learning_rate": None,
        "rates": {},
        "schedule": "constant",
        "clip_norm": None,
        "clip_value": None,
    }
    return SGD(**{**settings, **changes})


def rule(combiner, optimizer=None, groups=GROUPS, **more):
    return UpdateRule(
        objectives=OBJECTIVES,
        groups=groups,
        names=NAMES,
        heads=("policy", "value"),
        combiner=combiner,
        optimizer=optimizer or sgd(),
        **more,
    )


@pytest.fixture
def weights():
    random = np.random.default_rng(0)
    shapes = {"torso": [(4, 8), (8, 8)], "policy": [(8, 2)], "value": [(8, 1)]}
    return {
        part: tuple(tf.constant(random.normal(size=s), tf.float32) for s in sizes) for part, sizes in shapes.items()
    }


def losses(roles):
    weights = roles[LIVE]
    x = tf.constant(np.random.default_rng(1).normal(size=(16, 4)), tf.float32)
    h = tf.tanh(tf.tanh(x @ weights["torso"][0]) @ weights["torso"][1])
    log_p = tf.nn.log_softmax(h @ weights["policy"][0])
    return {
        "policy": tf.reduce_mean(log_p[:, 0]),
        "value": tf.reduce_mean((h @ weights["value"][0] - 2.0) ** 2),
        "entropy": tf.reduce_mean(tf.reduce_sum(tf.exp(log_p) * log_p, -1)),
    }, None


def direction(some_rule, weights):
    rows = watched_rows(losses, {LIVE: weights}, **some_rule.asked)
    return some_rule.combine(rows, some_rule.init(weights), SEED)[0]


def test_sum_of_rows_is_the_gradient_of_the_summed_loss_to_rounding(weights):
    fused = direction(rule(Sum(scope="global", row_weights=None)), weights)
    apart = direction(rule(Sum(scope="global", row_weights=None), always_rows=True), weights)
    assert fused.gramian is None
    assert apart.gramian.shape == (2, 2, 2)
    for part, tensors in fused.gradient.items():
        for a, b in zip(tensors, apart.gradient[part], strict=True):
            # The two add the same float32 numbers in another order.
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_heads_get_their_own_gradients_whatever_the_combiner(weights):
    fused = direction(rule(Sum(scope="global", row_weights=None)), weights)
    for combiner in (PCGrad(scope="global"), IMTLG(scope="layer"), Only(scope="global", row=1)):
        apart = direction(rule(combiner), weights)
        for head in ("policy", "value"):
            np.testing.assert_allclose(apart.gradient[head][0], fused.gradient[head][0], rtol=1e-5, atol=1e-6)


def test_policy_only_is_a_stop_gradient_before_the_value_head(weights):
    def stopped(w):
        values, nothing = losses({LIVE: w})
        frozen = {**w, "torso": tuple(tf.stop_gradient(x) for x in w["torso"])}
        return {**values, "value": losses({LIVE: frozen})[0]["value"]}, nothing

    only = direction(rule(Only(scope="global", row=0)), weights)
    with tf.GradientTape() as tape:
        tape.watch(tf.nest.flatten(weights))
        values, _ = stopped(weights)
        total = values["policy"] + 0.5 * values["value"] + 0.01 * values["entropy"]
    expected = tape.gradient(total, weights)
    for part, tensors in only.gradient.items():
        for a, b in zip(tensors, expected[part], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_scope_layer_combines_each_layer_by_its_own_gramian(weights):
    by_layer = direction(rule(MGDA(scope="layer")), weights)
    for layer in range(2):
        expected, _ = MGDA(scope="global").weights(by_layer.gramian[layer], tf.zeros(2), (), SEED)
        np.testing.assert_allclose(by_layer.row_weights[layer], expected, rtol=1e-6)
    assert np.abs(by_layer.row_weights[0] - by_layer.row_weights[1]).max() > 1e-3


def test_three_groups_give_three_rows(weights):
    groups = {name: (name,) for name in ("policy", "value", "entropy")}
    assert direction(rule(PCGrad(scope="global"), groups=groups), weights).gramian.shape == (2, 3, 3)


def test_clipping_is_over_shared_and_head_gradients_together(weights):
    some = rule(Sum(scope="global", row_weights=None), sgd(clip_norm=0.5))
    gradient = direction(some, weights).gradient
    step, _ = some.step(gradient, weights, some.init(weights), tf.constant(0.0))
    norm = np.sqrt(sum(np.square(g).sum() for tensors in gradient.values() for g in tensors))
    np.testing.assert_allclose(step.norm, norm, rtol=1e-6)
    np.testing.assert_allclose(step.clip_factor, 0.5 / norm, rtol=1e-6)
    for part, tensors in step.delta.items():
        np.testing.assert_allclose(tensors[0], -0.1 * gradient[part][0] * 0.5 / norm, rtol=1e-5)


def test_torso_and_heads_take_their_own_learning_rates(weights):
    some = rule(Sum(scope="global", row_weights=None), sgd(head_learning_rate=0.4, schedule="linear"))
    gradient = direction(some, weights).gradient
    step, _ = some.step(gradient, weights, some.init(weights), tf.constant(0.75))
    # The linear schedule has a quarter left.
    np.testing.assert_allclose(step.delta["torso"][0], -0.025 * gradient["torso"][0], rtol=1e-6)
    np.testing.assert_allclose(step.delta["value"][0], -0.1 * gradient["value"][0], rtol=1e-6)


def test_a_step_is_pure(weights):
    adam = Adam(
        learning_rate=1e-3,
        head_learning_rate=None,
        rates={},
        schedule="constant",
        clip_norm=0.5,
        clip_value=None,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-5,
    )
    some = rule(PCGrad(scope="global"), adam)
    state = some.init(weights)
    one, two = (some.step(direction(some, weights).gradient, weights, state, tf.constant(0.0))[0] for _ in range(2))
    for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(two), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "groups", [{"actor": ["policy"], "critic": ["value"]}, {"all": ["policy", "value", "entropy"], "none": []}]
)
def test_groups_must_partition_the_objectives(groups):
    with pytest.raises(ConfigError, match=r"agent\.groups"):
        rule(PCGrad(scope="global"), groups=groups)
