"""What an update on one sample does to another."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence


def interference(evidence: Evidence) -> dict[str, tf.Tensor]:
    """ρ = g(s)·g(s') over all pairs of different samples (Bengio et al. 2020, arXiv:2003.06350), of every objective.

    <objective>            mean ρ over the mean |g|²: 1 if every sample asks for the same, 0 if they know nothing of
                           each other, below 0 if what one gains others lose
    <objective>/negative   the share of pairs with ρ < 0
    """
    numbers = {}
    for name, samples in evidence.samples.items():
        mean, negative = inner_products(samples.rows, samples.weights)
        numbers[f"gradient/interference/{name}"] = mean
        numbers[f"gradient/interference/{name}/negative"] = negative
    return numbers


def inner_products(rows: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The mean inner product of different rows over their mean squared norm, and the share of negative ones.

    Args: rows: [n, P]; weights: [n], 1 or 0. Returns: two [] float32; 0 where there are no two rows.
    """
    products = tf.matmul(rows, rows, transpose_b=True)
    counts = weights[:, None] * weights[None, :]
    apart = tf.linalg.set_diag(counts, tf.zeros_like(weights))
    number = tf.reduce_sum(apart)
    mean = tf.math.divide_no_nan(tf.reduce_sum(apart * products), number)
    square = tf.math.divide_no_nan(tf.reduce_sum(weights * tf.linalg.diag_part(products)), tf.reduce_sum(weights))
    negative = tf.math.divide_no_nan(tf.reduce_sum(apart * tf.cast(products < 0, tf.float32)), number)
    return tf.math.divide_no_nan(mean, square), negative
