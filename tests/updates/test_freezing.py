"""Frozen weights: no step, no say in clipping or combining, slots that stand still; and what they do after the thaw."""

import numpy as np
import pytest
import tensorflow as tf
from test_rule import GROUPS, NAMES, OBJECTIVES, SEED, sgd

from rl.errors import ConfigError
from rl.gradients import watched_rows
from rl.updates import UpdateRule
from rl.updates.combiners import PCGrad, Sum
from rl.updates.freezing import Freeze
from rl.updates.optimizers import AdamW

SUM, PCGRAD = Sum(scope="global", row_weights=None), PCGrad(scope="global")
SHAPES = {"torso": [(4, 8), (8, 8)], "policy": [(8, 2)], "value": [(8, 1)]}


def drawn(seed):
    random = np.random.default_rng(seed)
    return {
        part: tuple(tf.constant(random.normal(size=s), tf.float32) for s in sizes) for part, sizes in SHAPES.items()
    }


def losses_of(roles):
    """Quadratic and linear functions of the parts that each objective reads."""
    weights = roles["live"]
    torso = tf.add_n([tf.reduce_sum(tf.sin(w)) for w in weights["torso"]])
    policy, value = (tf.reduce_sum(tf.square(weights[part][0])) for part in ("policy", "value"))
    return {"policy": torso * policy, "value": tf.square(torso - value), "entropy": torso + policy}, {}


def rule(freeze, combiner=None, optimizer=None):
    return UpdateRule(
        objectives=OBJECTIVES,
        groups=GROUPS,
        names=NAMES,
        heads=("policy", "value"),
        combiner=combiner or SUM,
        optimizer=optimizer or sgd(),
        freeze=freeze,
    )


def stepped(rule, weights, state=None):
    state = rule.init(weights) if state is None else state
    direction, state = rule.combine(watched_rows(losses_of, {"live": weights}, **rule.asked), state, SEED)
    step, state = rule.step(direction.gradient, weights, state, tf.constant(0.0))
    return direction, step, state


def frozen(*patterns, until=None):
    return Freeze(patterns=patterns, until=until)


@pytest.mark.parametrize("combiner", [SUM, PCGRAD])
@pytest.mark.parametrize(
    ("patterns", "still"),
    [
        (("torso/*",), {"torso": (True, True)}),
        (("torso",), {"torso": (True, True)}),
        (("*/dense_1/*", "policy"), {"torso": (False, True), "policy": (True,)}),
    ],
)
def test_what_a_pattern_names_takes_no_step_and_the_rest_does(combiner, patterns, still):
    _, step, _ = stepped(rule(frozen(*patterns), combiner), drawn(0))
    for part, tensors in step.delta.items():
        for tensor, is_frozen in zip(tensors, still.get(part, (False,) * len(tensors)), strict=True):
            assert bool(np.any(tensor)) != is_frozen


def test_clipping_is_over_what_learns():
    weights = drawn(1)
    _, whole, _ = stepped(rule(None, optimizer=sgd(clip_norm=0.5)), weights)
    direction, part, _ = stepped(rule(frozen("torso", "policy"), optimizer=sgd(clip_norm=0.5)), weights)
    expected = np.linalg.norm(direction.gradient["value"][0])
    np.testing.assert_allclose(part.norm, expected, rtol=1e-6)
    assert float(whole.norm) > expected
    np.testing.assert_allclose(np.linalg.norm(part.clipped["value"][0]), min(0.5, expected), rtol=1e-6)


def test_a_combiner_sees_what_learns():
    """PCGrad from the second layer alone, as if the first were not there."""
    weights = drawn(2)
    direction, _, _ = stepped(rule(frozen("torso/dense_0/*"), PCGRAD), weights)
    assert not np.any(direction.gradient["torso"][0])
    matrix = direction.gramian.numpy()
    assert not matrix[0].any()
    expected, _ = PCGRAD.weights(tf.constant(matrix[1]), tf.zeros(2), (), SEED)
    np.testing.assert_allclose(direction.row_weights[1], expected, rtol=1e-5)


def test_slots_stand_still_and_weight_decay_does_not_move_it():
    optimizer = AdamW(**{**vars(sgd()), "schedule": "constant"}, beta1=0.9, beta2=0.999, epsilon=1e-5, weight_decay=0.1)
    weights = drawn(3)
    one = rule(frozen("torso/dense_0/*"), optimizer=optimizer)
    _, step, state = stepped(one, weights)
    assert not np.any(step.delta["torso"][0])
    assert np.any(step.delta["torso"][1])
    assert not np.any(state.slots.mean[0])
    assert not np.any(state.slots.square[0])
    assert np.any(state.slots.mean[1])
    assert float(state.slots.count) == 1


def test_after_the_thaw_the_step_is_that_of_a_rule_without():
    weights, freeze = drawn(4), frozen("torso", until=100)
    before, after = (rule(freeze.at(tf.constant(step)), PCGRAD) for step in (99.0, 100.0))
    assert not np.any(stepped(before, weights)[1].delta["torso"][0])
    _, thawed, _ = stepped(after, weights)
    _, plain, _ = stepped(rule(None, PCGRAD), weights)
    for part in weights:
        for one, other in zip(thawed.delta[part], plain.delta[part], strict=True):
            np.testing.assert_array_equal(one, other)


def test_an_empty_list_freezes_nothing():
    weights = drawn(5)
    with_list, without = (stepped(rule(freeze), weights)[1].delta["torso"] for freeze in (frozen(), None))
    for one, other in zip(with_list, without, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (("torsoo/*",), "freeze has the pattern 'torsoo/\\*', which matches no part"),
        (("*",), "leaves nothing to learn"),
    ],
)
def test_a_pattern_that_names_nothing_or_everything_is_refused(patterns, message):
    with pytest.raises(ConfigError, match=message):
        rule(frozen(*patterns))
