"""Cosines of rows from disjoint samples: whether a conflict is more than noise that two rows share.

Subscripts A and B are the two halves of the minibatch; a and b are objectives.
"""

import itertools

import tensorflow as tf

from rl.gradients.gramian import gramian
from rl.gradients.probes.evidence import Evidence
from rl.gradients.probes.pairs import quotient


def cross_batch_cosines(evidence: Evidence) -> dict[str, tf.Tensor]:
    """Cosines of rows from the two halves of the minibatch, which share no sample.

    <a>-<b>             ½ [cos(a_A, b_B) + cos(a_B, b_A)], over all shared weights and per layer
    <a>-<b>/corrected   ½ (a_A·b_B + a_B·b_A) / √(a_A·a_B b_A·b_B), an estimate of the cosine of the expected rows
    <a>                 r_a = a_A·a_B / ½ (|a_A|² + |a_B|²), the reliability of a's row: 1 without noise, about 0 for
                        noise alone

    The noise of both rows shrinks the cosine by a factor of about √(r_a r_b), with r = |g|² / (|g|² + tr Σ / b) for b
    samples per half. The corrected cosine undoes this and may leave [−1, 1]. Cosines are NaN if a row is zero; the
    corrected one is also NaN if a row is too noisy, a_A·a_B ≤ 0. Empty without shared weights.
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
    """½ [cos(i_A, j_B) + cos(i_B, j_A)] from inner products [..., 2m, 2m], half A's rows first; [...]."""
    square = tf.linalg.diag_part(inner)
    one = quotient(inner[..., i, j + m], tf.sqrt(square[..., i]) * tf.sqrt(square[..., j + m]))
    other = quotient(inner[..., j, i + m], tf.sqrt(square[..., j]) * tf.sqrt(square[..., i + m]))
    return 0.5 * (one + other)


def _reliability(inner: tf.Tensor, i: int, again: int) -> tf.Tensor:
    """g_A·g_B / ½ (|g_A|² + |g_B|²) for the rows i and `again` of the inner products [2m, 2m]; []."""
    return quotient(inner[i, again], 0.5 * (inner[i, i] + inner[again, again]))


def _corrected(inner: tf.Tensor, i: int, j: int, m: int) -> tf.Tensor:
    """½ (a_A·b_B + a_B·b_A) / √(a_A·a_B b_A·b_B), []: no product has the same sample's noise on both sides."""
    crossed = 0.5 * (inner[i, j + m] + inner[j, i + m])
    own, others = inner[i, i + m], inner[j, j + m]
    known = (own > 0) & (others > 0)
    size = tf.sqrt(tf.where(known, own * others, tf.ones_like(own)))
    return tf.where(known, crossed / size, tf.constant(float("nan"), inner.dtype))
