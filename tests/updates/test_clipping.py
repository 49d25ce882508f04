"""Clipping: the norm, the factor and the direction."""

import numpy as np
import pytest
import tensorflow as tf

from rl.updates.clipping import clip_by_global_norm, clip_by_value, global_norm

# |(3, 4, 12)| = √(9 + 16 + 144) = 13, over two tensors.
GRADIENTS = (tf.constant([3.0, 4.0]), tf.constant([[12.0]]))
FLOAT32 = 3e-7  # a handful of float32 roundings of 6e-8
SUMMED = 2e-6  # some thousand of them, of either sign: √1000 · 6e-8


def _flat(tensors):
    return np.concatenate([np.ravel(tensor) for tensor in tensors])


def test_global_norm_is_that_of_all_tensors_as_one_vector():
    np.testing.assert_allclose(global_norm(GRADIENTS), 13.0, rtol=FLOAT32)
    np.testing.assert_array_equal(global_norm((tf.zeros(3), tf.zeros((2, 2)))), 0.0)


@pytest.mark.parametrize("compiled", [False, True])
def test_global_norm_of_large_tensors_beside_small_ones(compiled):
    """A large tensor is summed row by row, a kernel of a convolution too; one bad entry is enough."""
    random = np.random.default_rng(0)
    shapes = ((300, 40), (40,), (3, 3, 50, 20), (5000,), (5000, 1), (2, 3))
    tensors = [random.normal(size=shape).astype(np.float32) for shape in shapes]
    norm = tf.function(global_norm, jit_compile=compiled, autograph=False)
    expected = np.linalg.norm(_flat(tensors).astype(np.float64))
    np.testing.assert_allclose(norm(tuple(map(tf.constant, tensors))), expected, rtol=SUMMED)
    tensors[2][1, 2, 30, 4] = np.inf
    np.testing.assert_array_equal(norm(tuple(map(tf.constant, tensors))), np.inf)
    tensors[0][7, 7] = np.nan
    np.testing.assert_array_equal(norm(tuple(map(tf.constant, tensors))), np.nan)


def test_norm_is_cut_to_the_limit_and_norm_and_factor_are_reported():
    clipped = clip_by_global_norm(GRADIENTS, clip_norm=6.5)  # half of 13
    np.testing.assert_allclose(clipped.norm, 13.0, rtol=FLOAT32)
    np.testing.assert_allclose(clipped.factor, 0.5, rtol=FLOAT32)
    np.testing.assert_allclose(_flat(clipped.gradients), [1.5, 2.0, 6.0], rtol=FLOAT32)
    np.testing.assert_allclose(global_norm(clipped.gradients), 6.5, rtol=FLOAT32)


@pytest.mark.parametrize("clip_norm", [13.5, 1e6, None])
def test_shorter_gradients_are_left_alone_to_the_bit(clip_norm):
    clipped = clip_by_global_norm(GRADIENTS, clip_norm=clip_norm)
    np.testing.assert_array_equal(clipped.factor, 1.0)
    np.testing.assert_allclose(clipped.norm, 13.0, rtol=FLOAT32)
    np.testing.assert_array_equal(_flat(clipped.gradients), _flat(GRADIENTS))


@pytest.mark.parametrize("clip_norm", [1e-3, 0.5, 7.0, 20.0])
def test_clipping_the_norm_twice_changes_nothing_and_keeps_the_direction(clip_norm):
    rng = np.random.default_rng(0)
    gradients = tuple(tf.constant(rng.normal(size=shape), tf.float32) for shape in ((4, 3), (3,), ()))
    once = clip_by_global_norm(gradients, clip_norm=clip_norm).gradients
    twice = clip_by_global_norm(once, clip_norm=clip_norm).gradients
    np.testing.assert_allclose(
        _flat(twice), _flat(once), rtol=FLOAT32
    )  # a norm rounded up is cut once more by its rounding
    ratio = _flat(once) / _flat(gradients)
    np.testing.assert_allclose(ratio, np.full_like(ratio, ratio[0]), rtol=FLOAT32)
    assert 0.0 < ratio[0] <= 1.0


def test_gradients_of_zeros_stay_zero():
    clipped = clip_by_global_norm((tf.zeros(3),), clip_norm=0.5)
    np.testing.assert_array_equal(clipped.gradients[0], np.zeros(3))
    np.testing.assert_array_equal([clipped.norm, clipped.factor], [0.0, 1.0])


def test_norm_agrees_with_tensorflows_clip():
    theirs, norm = tf.clip_by_global_norm(GRADIENTS, 2.0)
    ours = clip_by_global_norm(GRADIENTS, clip_norm=2.0)
    np.testing.assert_allclose(ours.norm, norm, rtol=FLOAT32)
    np.testing.assert_allclose(_flat(ours.gradients), _flat(theirs), rtol=FLOAT32)


def test_values_beyond_the_limit_are_cut_and_no_other():
    gradients = (tf.constant([-7.0, -1.0, 0.25]), tf.constant([[2.0, 1.0]]))
    once = clip_by_value(gradients, clip_value=1.0)
    np.testing.assert_array_equal(_flat(once), [-1.0, -1.0, 0.25, 1.0, 1.0])
    np.testing.assert_array_equal(_flat(clip_by_value(once, clip_value=1.0)), _flat(once))
    assert [tensor.shape for tensor in once] == [tensor.shape for tensor in gradients]


def test_no_limit_on_values_gives_the_very_same_gradients():
    assert clip_by_value(GRADIENTS, clip_value=None) is GRADIENTS
