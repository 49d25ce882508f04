"""Threefry against its authors' known answers, and the distributions of the numbers drawn with it."""

import numpy as np
import pytest
import tensorflow as tf

from rl.randomness import fold, integers, normals, threefry, uniforms

# Random123, kat_vectors, threefry2x32 20: counter, key, answer.
KNOWN = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]
SEED = tf.constant([3, 4])
COUNT = 1 << 18


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
@pytest.mark.parametrize("compiled", [False, True])
def test_known_answers(counter, key, answer, compiled):
    words = [tf.constant(word, tf.uint32) for word in (*key, *counter)]
    program = tf.function(lambda a, b, x, y: threefry(tf.stack([a, b]), (x, y)), jit_compile=compiled, autograph=False)
    assert tuple(int(word) for word in program(*words)) == answer


@pytest.mark.parametrize("draw", [uniforms, normals])
def test_the_same_in_eager_mode_and_compiled(draw):
    shape = (7, 5)
    eager, compiled = (
        draw(SEED, shape),
        tf.function(lambda seed: draw(seed, shape), jit_compile=True, autograph=False)(SEED),
    )
    np.testing.assert_allclose(eager, compiled, rtol=1e-5)  # erf⁻¹ is another polynomial there
    np.testing.assert_array_equal(
        uniforms(SEED, shape), tf.function(uniforms, jit_compile=True, autograph=False)(SEED, shape)
    )


def test_uniforms_are_uniform():
    """Mean ½ and variance 1/12 within five standard errors; a χ² over 1,024 cells within five deviations √(2k)."""
    x = uniforms(SEED, (COUNT,)).numpy().astype(np.float64)
    assert 0 <= x.min() < 1e-4
    assert 1 - 1e-4 < x.max() < 1
    assert abs(x.mean() - 0.5) < 5 * np.sqrt(1 / 12 / COUNT)
    assert abs(np.mean((x - 0.5) ** 2) - 1 / 12) < 5 * np.sqrt(1 / 180 / COUNT)
    count = np.histogram(x, 1024, (0, 1))[0]
    assert abs(np.sum((count - 256.0) ** 2 / 256) - 1023) < 5 * np.sqrt(2 * 1023)
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 5 / np.sqrt(COUNT)


def test_normals_are_normal():
    """Moments 0, 1, 0, 3 within five standard errors, those of the moments of a normal law."""
    x = normals(SEED, (COUNT,)).numpy().astype(np.float64)
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs(np.mean(x**power) - moment) < 5 * np.sqrt(variance / COUNT)


def test_integers_fill_their_range():
    x = integers(SEED, (4096,), bits=5).numpy()
    assert set(x) == set(range(32))
    assert integers(SEED, (3,), bits=32).numpy().max() < 2**32


def test_every_folded_seed_is_another():
    seeds = {tuple(fold(SEED, i, j).numpy()) for i in range(20) for j in range(20)}
    seeds |= {tuple(fold(tf.constant([3, 5]), i).numpy()) for i in range(20)}
    assert len(seeds) == 420


def test_a_batch_of_seeds_is_each_by_itself():
    seeds = tf.stack([fold(SEED, i) for i in range(5)])
    batch = tf.vectorized_map(lambda seed: uniforms(seed, (3, 2)), seeds)
    for seed, numbers in zip(seeds, batch, strict=True):
        np.testing.assert_array_equal(uniforms(seed, (3, 2)), numbers)
