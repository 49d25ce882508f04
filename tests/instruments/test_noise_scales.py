"""The noise scale from running averages of its parts."""

import json

import numpy as np
import tensorflow as tf

from rl.gradients.probes.noise import noise
from rl.instruments.noise_scales import NoiseScales

TAG = "gradient/noise_scale/policy"


def parts(traces, squares):
    return {"gradient/noise/policy/trace": np.array(traces), "gradient/noise/policy/square_norm": np.array(squares)}


def test_both_parts_are_averaged_and_then_divided():
    """0.1·(0.9·2 + 8) = 0.98 over 0.1·(0.9·1 + 2) = 0.29; an average of the ratios would be between 2 and 4."""
    found = NoiseScales().columns(parts([2.0, 8.0], [1.0, 2.0]))
    np.testing.assert_allclose(found[TAG], [2.0, 0.98 / 0.29])


def test_what_was_not_probed_is_left_out_and_a_norm_below_0_is_not_a_number():
    scales = NoiseScales()
    found = scales.columns(parts([np.nan, 2.0, np.nan, 2.0], [np.nan, -1.0, np.nan, 5.0]))[TAG]
    assert np.isnan(found[:3]).all()
    np.testing.assert_allclose(found[3], (0.9 * 2 + 2) / (0.9 * -1 + 5))


def test_it_goes_on_from_what_a_checkpoint_kept():
    random = np.random.default_rng(0)
    traces, squares = random.uniform(1, 2, size=(2, 6))
    whole = NoiseScales().columns(parts(traces, squares))[TAG]
    first = NoiseScales()
    first.columns(parts(traces[:4], squares[:4]))
    rest = NoiseScales(json.loads(json.dumps(first.averages))).columns(parts(traces[4:], squares[4:]))[TAG]
    np.testing.assert_array_equal(rest, whole[4:])


def test_without_the_probe_there_is_nothing():
    assert NoiseScales().columns({"gradient/norm/policy": np.ones(3)}) == {}


def test_the_parts_are_unbiased_and_their_ratio_is_the_noise_scale():
    """Rows of known mean and covariance, of batches of 1 and of 32: |g|² = 4, tr Σ = 3·4 + 5·1 = 17."""
    random = np.random.default_rng(0)
    deviations = np.array([2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    mean = np.full(8, np.sqrt(0.5))
    scales, found = NoiseScales(), []
    for _ in range(4000):
        rows = mean + deviations * random.normal(size=(32, 8))
        small, large = np.square(rows).sum(1).mean(), np.square(rows.mean(0)).sum()
        found.append(noise(*(tf.constant(x) for x in (small, large)), small_batch=1.0, large_batch=32.0))
    square, trace = np.mean(found, 0)
    np.testing.assert_allclose((square, trace), (4, 17), rtol=0.02)
    last = scales.columns(parts([x.trace for x in found], [x.square_norm for x in found]))[TAG][-100:]
    np.testing.assert_allclose(np.mean(last), 17 / 4, rtol=0.15)
