"""f(s J) = s f(J) from s = 1e-8 to 1e8 for every combiner; Nash-MTL's update does not depend on the scale."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from test_combiner_properties import COMBINERS as ALL

from rl.gradients import gramian
from rl.updates.clipping import clip_by_global_norm
from rl.updates.combiners import GradVac

COMBINERS = {
    **{name: one for name, one in ALL.items() if name not in ("sum", "mean", "random")},
    "gradvac": GradVac(scope="global", beta=0.5),
}
EPS = np.finfo(np.float32).eps


def _weights(combiner):
    def weights(rows):
        matrix = gramian([(row,) for row in tf.unstack(rows)], {"layer": (0,)})[0]
        state = combiner.init(3)
        _, state = combiner.weights(matrix, tf.zeros(3), state, tf.constant([3, 5]))
        return combiner.weights(matrix, tf.zeros(3), state, tf.constant([3, 6]))[0]  # of those that learn, their second

    return tf.function(weights, autograph=False)


WEIGHTS = {name: _weights(combiner) for name, combiner in COMBINERS.items()}


@pytest.mark.parametrize("rule", COMBINERS)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), power=st.floats(-8, 8))
def test_the_update_of_scaled_float32_rows_is_the_scaled_update(rule, seed, power):
    """Scaling rounds each number of a row by half a unit of float32, and eight-dimensional rows magnify it little."""
    rows = np.random.default_rng(seed).normal(size=(3, 8)).astype(np.float32)
    scaled = rows * np.float32(10.0**power)
    weights, of_scaled = WEIGHTS[rule](tf.constant(rows)).numpy(), WEIGHTS[rule](tf.constant(scaled)).numpy()
    update, other = rows.T @ weights, scaled.T.astype(np.float64) @ of_scaled
    times = 1.0 if rule == "nash_mtl" else 10.0**power
    terms = np.abs(weights) @ np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose(other / times, update, rtol=0, atol=1000 * EPS * terms)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), power=st.floats(-8, 8))
def test_clipping_by_norm_in_other_units_is_the_same_clipping(seed, power):
    gradient, scale = np.random.default_rng(seed).normal(size=9).astype(np.float32), np.float32(10.0**power)
    plain = clip_by_global_norm((tf.constant(gradient),), clip_norm=1.0)
    scaled = clip_by_global_norm((tf.constant(gradient * scale),), clip_norm=float(scale))
    np.testing.assert_allclose(scaled.gradients[0] / scale, plain.gradients[0], rtol=20 * EPS)
    np.testing.assert_allclose(scaled.factor, plain.factor, rtol=20 * EPS)
