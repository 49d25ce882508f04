"""Do the objectives pull the same way, or do their rows only come from the same samples?"""

import itertools

import tensorflow as tf

from rl.gradients.gramian import gramian
from rl.gradients.probes.evidence import Evidence
from rl.gradients.probes.pairs import quotient


def cross_batch_cosines(evidence: Evidence) -> dict[str, tf.Tensor]:
    """Cosines of rows from the two halves of the minibatch, which share no sample, in all and layer by layer.

    <a>-<b>             the mean of cos(a on one half, b on the other) and the swap
    <a>-<b>/corrected   in all, ½ (a_A·b_B + a_B·b_A) / √(a_A·a_B b_A·b_B), the cosine of the expected rows
    <a>                 r_a, the reliability: how far a's row on one half is that on the other (1: no noise)

    The noise of both rows draws the cosine towards 0; r = |g|² / (|g|² + tr Σ / b), with b samples in a half, says how
    much. NaN where a row is zero, or too noisy to be told from it.
    """
    if not evidence.layers:
        return {}
    first, second = evidence.halves
    inner = gramian([*first.values(), *second.values()], evidence.places)
    m, total = evidence.num_objectives, tf.reduce_sum(inner, 0)
    numbers = {}
    reliability = [_reliability(total, i, i + m) for i in range(m)]
    for i, name in enumerate(evidence.objectives):
        numbers[f"gradient/cross_batch/{name}"] = reliability[i]
    for (i, a), (j, b) in itertools.combinations(enumerate(evidence.objectives), 2):
        whole = _crossed(total, i, j, m)
        numbers[f"gradient/cross_batch/{a}-{b}"] = whole
        numbers[f"gradient/cross_batch/{a}-{b}/corrected"] = _corrected(total, i, j, m)
        by_layer = _crossed(inner, i, j, m)
        for l, layer in enumerate(evidence.layers):
            numbers[f"gradient/cross_batch/{a}-{b}/{layer}"] = by_layer[l]
    return numbers


def _crossed(inner: tf.Tensor, i: int, j: int, m: int) -> tf.Tensor:
    """½ (cos(i on one half, j on the other) + the swap); [..., 2m, 2m] → [...]."""
    square = tf.linalg.diag_part(inner)
    one = quotient(inner[..., i, j + m], tf.sqrt(square[..., i]) * tf.sqrt(square[..., j + m]))
    other = quotient(inner[..., j, i + m], tf.sqrt(square[..., j]) * tf.sqrt(square[..., i + m]))
    return 0.5 * (one + other)


def _reliability(inner: tf.Tensor, i: int, again: int) -> tf.Tensor:
    """g_A·g_B / ½ (|g_A|² + |g_B|²)."""
    return quotient(inner[i, again], 0.5 * (inner[i, i] + inner[again, again]))


def _corrected(inner: tf.Tensor, i: int, j: int, m: int) -> tf.Tensor:
    """½ (a_A·b_B + a_B·b_A) / √(a_A·a_B b_A·b_B): each product's noise is independent, and none is squared."""
    crossed = 0.5 * (inner[i, j + m] + inner[j, i + m])
    own, others = inner[i, i + m], inner[j, j + m]
    known = (own > 0) & (others > 0)
    size = tf.sqrt(tf.where(known, own * others, tf.ones_like(own)))
    return tf.where(known, crossed / size, tf.constant(float("nan"), inner.dtype))
