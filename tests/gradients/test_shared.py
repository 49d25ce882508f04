"""Which weights are shared, and the rows of objectives that do not reach all of them."""

import numpy as np
import pytest
import tensorflow as tf

from rl.gradients import LIVE, At, Objective, gramian, layers_of, shared_parts, shared_rows, watched_rows
from rl.updates import UpdateRule
from rl.updates.combiners import PCGrad
from rl.updates.optimizers import SGD

NAMES = {"eye": ("eye/w",), "ear": ("ear/w",), "own": ("own/w",), "a": ("a/w",), "b": ("b/w",)}
HEADS = ("a", "b")
SEED = tf.constant([1, 2])
READS = {"a": ("eye", "a"), "b": ("eye", "ear", "b"), "c": ("ear",), "d": ("own",), "e": ("a", "b")}
"""{objective: what it reads}: eye is shared by a and b, ear by b and c; d has a part of its own, e moves only heads."""


def live(*parts):
    return tuple(At(LIVE, part) for part in parts)


def test_parts_that_several_groups_reach_are_shared_and_heads_never():
    reads = [live(*parts) for parts in READS.values()]
    assert shared_parts(NAMES, HEADS, reads) == ("eye", "ear")
    assert shared_parts(NAMES, (), reads) == ("eye", "ear", "a", "b")
    assert shared_parts(NAMES, HEADS, reads[:1]) == ()
    at_a_copy = [(At(LIVE, "eye"), At("target", "eye")), live("ear")]  # one group, twice
    assert shared_parts(NAMES, HEADS, at_a_copy) == ()


def test_a_row_is_zero_where_its_gradient_does_not_reach():
    one, other = {"eye": (tf.constant([1.0, 2.0]),)}, {"ear": (tf.constant([3.0]),), "b": (tf.constant([9.0]),)}
    rows = shared_rows([one, other], ("eye", "ear"))
    np.testing.assert_array_equal(np.concatenate(rows[0]), [1, 2, 0])
    np.testing.assert_array_equal(np.concatenate(rows[1]), [0, 0, 3])


@pytest.fixture
def weights():
    random = np.random.default_rng(0)
    return {part: (tf.constant(random.normal(size=3), tf.float32),) for part in NAMES}


def losses(roles):
    """Products and squares of sums, so that every gradient depends on all that its objective reads."""
    w = {part: own[0] for part, own in roles[LIVE].items()}
    return {
        name: tf.square(tf.add_n([tf.reduce_sum(w[part] * (place + 1.0)) for place, part in enumerate(parts)]) - 1.0)
        for name, parts in READS.items()
    }, None


def test_a_combiner_weighs_the_groups_that_reach_shared_weights_alone(weights):
    """Four groups {a}, {b}, {c}, {d, e}: PCGrad on the rows of the first three; d and e get their own gradients."""
    optimizer = SGD(
        learning_rate=1.0, head_learning_rate=None, rates={}, schedule="constant", clip_norm=None, clip_value=None
    )
    rule = UpdateRule(
        objectives=[
            Objective(name, c, {LIVE: READS[name]}) for name, c in zip("abcde", (1, 2, -1, 0.5, 3), strict=True)
        ],
        groups={"a": ("a",), "b": ("b",), "c": ("c",), "rest": ("d", "e")},
        names=NAMES,
        heads=HEADS,
        combiner=PCGrad(scope="global"),
        optimizer=optimizer,
    )
    assert rule.shared == ("eye", "ear")
    assert rule.combined == ("a", "b", "c")
    rows = watched_rows(losses, {LIVE: weights}, **rule.asked)
    found, _ = rule.combine(rows, rule.init(weights), SEED)
    raw = watched_rows(losses, {LIVE: weights}, {name: live(*parts) for name, parts in READS.items()}).gradients

    def g(name, part):
        gradient = raw[name].get(At(LIVE, part))
        return np.zeros(3) if gradient is None else gradient[0].numpy()

    expected = [np.concatenate([c * g(name, "eye"), c * g(name, "ear")]) for name, c in (("a", 1), ("b", 2), ("c", -1))]
    layers = layers_of(["eye/w", "ear/w"])
    matrix = gramian([(tf.constant(row[:3], tf.float32), tf.constant(row[3:], tf.float32)) for row in expected], layers)
    np.testing.assert_allclose(found.gramian, matrix, rtol=1e-5, atol=1e-6)
    w = PCGrad(scope="global").weights(tf.reduce_sum(matrix, 0), tf.zeros(3), (), SEED)[0].numpy()
    np.testing.assert_allclose(found.row_weights[0], w, rtol=1e-5)
    combined = w @ np.array(expected)
    np.testing.assert_allclose(np.concatenate([found.gradient[p][0] for p in ("eye", "ear")]), combined, rtol=1e-4)
    np.testing.assert_allclose(found.gradient["own"][0], 0.5 * g("d", "own"), rtol=1e-5)
    np.testing.assert_allclose(found.gradient["a"][0], g("a", "a") + 3 * g("e", "a"), rtol=1e-5)
    np.testing.assert_allclose(found.gradient["b"][0], 2 * g("b", "b") + 3 * g("e", "b"), rtol=1e-5)
