"""Types of observations and actions: nothing is rounded before a mean is subtracted or a bound applied."""

import numpy as np
import pytest
import tensorflow as tf
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

from rl.environments.gymnasium_spaces import actions, observations
from rl.learning.normalization import Normalizer

SCALES = st.floats(-8, 8).map(lambda exponent: 10.0**exponent)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.sampled_from([np.float16, np.float32, np.float64]),
    st.floats(-1, 1),
    st.floats(0.01, 1),
    SCALES,
    st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=1, max_size=4),
)
def test_a_clipped_action_lies_in_its_own_box(dtype, centre, width, scale, asked):
    scale = min(scale, 1e4) if dtype is np.float16 else scale
    low = np.array([(centre - width) * scale], dtype)
    high = np.maximum(np.array([(centre + width) * scale], dtype), low)
    space = spaces.Box(low, high, dtype=dtype)
    _, to_action = actions(space, "any")
    with np.errstate(over="ignore"):  # float16 ends at 65504
        given_to_it = to_action(np.array(asked, np.float32)[:, None])
    for action in given_to_it:
        assert space.contains(action), (action, low, high)


def test_a_bound_that_float32_rounds_outwards():
    """0.1 rounds up to 0.1 + 1.5e-9 in float32: clipped there, an action would lie outside of its box."""
    space = spaces.Box(-0.1, 0.1, (1,), np.float64)
    assert float(np.float32(0.1)) > 0.1
    np.testing.assert_array_equal(actions(space, "any")[1](np.array([[1.0], [-1.0]], np.float32)), [[0.1], [-0.1]])


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.float16, tf.float32),
        (np.float32, tf.float32),
        (np.float64, tf.float64),
        (np.uint8, tf.float32),
        (np.int16, tf.float32),
        (np.int32, tf.float64),
        (np.int64, tf.float64),
        (np.bool_, tf.float32),
    ],
)
def test_the_type_holds_every_number_of_the_space(dtype, expected):
    low, high = (0, 1) if dtype is np.bool_ else (0, 100)
    observe, shape, found = observations(spaces.Box(low, high, (2,), dtype), "any")
    assert (shape, found) == ((2,), expected)
    assert observe(np.ones((3, 2), dtype)).dtype == expected.as_numpy_dtype


@settings(max_examples=50, deadline=None, derandomize=True)
@given(SCALES, SCALES)
def test_an_offset_does_not_swallow_the_spread(offset, spread):
    """Observations offset ± spread become ± 1, as far as float64 can tell them apart: 16 digits."""
    space = spaces.Box(-np.inf, np.inf, (1,), np.float64)
    observe, shape, dtype = observations(space, "any")
    batch = tf.constant(observe(offset + spread * np.array([[[1.0], [-1.0]]])), dtype)
    normalizer = Normalizer(observations=True, rewards=False, reward_scale=1.0, gamma=0.99, clip=10.0)
    nothing = tf.zeros((1, 2))
    state = normalizer.update(
        normalizer.init(2, tf.TensorSpec(shape, dtype)), batch, nothing, nothing > 0, nothing == 0
    )
    seen = normalizer.observation(state, batch)
    assert seen.dtype == tf.float32
    if spread >= 1e-3:  # below it the variance's absolute epsilon, 1e-8, is not small
        rounding = 4 * np.finfo(np.float64).eps * offset / spread
        np.testing.assert_allclose(seen[0, :, 0], [1.0, -1.0], rtol=0.01 + rounding)
