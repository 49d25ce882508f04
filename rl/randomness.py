"""Random numbers that follow from a seed alone: the same bits in eager mode, in a graph and within an XLA program.

Threefry (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), compiled by XLA wherever it is called.
What TensorFlow chooses by itself for a CPU (`auto_select`) takes about 180 times as long within an XLA program.
"""

import tensorflow as tf


@tf.function(jit_compile=True, autograph=False)
def uniforms(seed: tf.Tensor, shape: tuple[int, ...], minimum: float = 0.0) -> tf.Tensor:
    """Uniform numbers in [minimum, 1), float32 of the shape; seed: [2] int."""
    return tf.random.stateless_uniform(shape, seed, minval=minimum, alg="threefry")


@tf.function(jit_compile=True, autograph=False)
def normals(seed: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """Standard normal numbers, float32 of the shape; seed: [2] int."""
    return tf.random.stateless_normal(shape, seed, alg="threefry")


@tf.function(jit_compile=True, autograph=False)
def integers(seed: tf.Tensor, shape: tuple[int, ...], limit: int) -> tf.Tensor:
    """Uniform int64 numbers from 0 to limit − 1, of the shape; seed: [2] int."""
    return tf.random.stateless_uniform(shape, seed, minval=0, maxval=limit, dtype=tf.int64, alg="threefry")


@tf.function(jit_compile=True, autograph=False)
def fold(seed: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
    """A seed of its own for every number, [2] int32; seed: [2] int, number: [] int32."""
    return tf.random.experimental.stateless_fold_in(seed, number, alg="threefry")
