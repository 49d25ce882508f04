"""Interference: what a gradient step on one sample does to the loss of another."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence


def interference(evidence: Evidence) -> dict[str, tf.Tensor]:
    """Inner products ρ = g(s)·g(s') over all pairs of different samples (Bengio et al. 2020, arXiv:2003.06350).

    <objective>            mean ρ over mean |g|²: 1 if all samples have the same gradient, 0 if they are orthogonal
                           on average, negative if a step on one sample raises the others' mean loss
    <objective>/negative   the share of pairs with ρ < 0, in [0, 1]
    """
    numbers = {}
    for name, samples in evidence.samples.items():
        mean, negative = inner_products(samples.rows, samples.weights)
        numbers[f"gradient/interference/{name}"] = mean
        numbers[f"gradient/interference/{name}/negative"] = negative
    return numbers


def inner_products(rows: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The mean inner product of two different rows over the mean squared norm, and the share of negative products.

    Args:
        rows: [n, P] float32.
        weights: [n] float32 mask: 0 leaves a row out, 1 keeps it.
    Returns: two [] float32; 0 if fewer than two rows are kept.
    """
    products = tf.matmul(rows, rows, transpose_b=True)
    counts = weights[:, None] * weights[None, :]
    apart = tf.linalg.set_diag(counts, tf.zeros_like(weights))
    number = tf.reduce_sum(apart)
    mean = tf.math.divide_no_nan(tf.reduce_sum(apart * products), number)
    square = tf.math.divide_no_nan(tf.reduce_sum(weights * tf.linalg.diag_part(products)), tf.reduce_sum(weights))
    negative = tf.math.divide_no_nan(tf.reduce_sum(apart * tf.cast(products < 0, tf.float32)), number)
    return tf.math.divide_no_nan(mean, square), negative
