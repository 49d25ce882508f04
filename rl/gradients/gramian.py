"""Gramians of rows, a layer at a time: all that norms, cosines, conflicts and combiners need to know of the
gradients.
"""

from collections.abc import Mapping, Sequence

import tensorflow as tf

Row = tuple[tf.Tensor, ...]  # one vector on the shared weights, tensor by tensor


def layers_of(names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Which weights make up each layer: those whose names differ in the last component alone, in order.

    `torso/dense_0/kernel` and `torso/dense_0/bias` are the layer `torso/dense_0`.
    """
    layers: dict[str, tuple[int, ...]] = {}
    for index, name in enumerate(names):
        layer = name.rsplit("/", 1)[0]
        layers[layer] = (*layers.get(layer, ()), index)
    return layers


def gramian(rows: Sequence[Row], layers: Mapping[str, Sequence[int]]) -> tf.Tensor:
    """G[l, i, j] = <J_l[i], J_l[j]>.

    Args:
        rows: m rows, each a tuple of tensors on the same weights.
        layers: {layer: places of its weights in a row}.
    Returns: [L, m, m] float64, symmetric to the bit. Products of float32 numbers are exact in float64: in float32 a
        zero eigenvalue of dependent rows would come out as ±6e-8 of the largest, and its sign would decide what a
        combiner does.
    """
    jacobians = [
        tf.stack([tf.concat([tf.reshape(row[k], (-1,)) for k in places], 0) for row in rows])
        for places in layers.values()
    ]
    return tf.stack([_products(tf.cast(jacobian, tf.float64)) for jacobian in jacobians])


def _products(jacobian: tf.Tensor) -> tf.Tensor:
    """J Jᵀ of J [m, P]: a matrix-vector product a row, which XLA runs four times as fast as one product of matrices."""
    products = tf.stack([tf.linalg.matvec(jacobian, row) for row in tf.unstack(jacobian)])
    lower = tf.linalg.band_part(products, -1, 0)
    return lower + tf.linalg.matrix_transpose(tf.linalg.set_diag(lower, tf.zeros_like(lower[0])))


def norms(gramian: tf.Tensor) -> tf.Tensor:
    """The rows' norms √G_ii; [..., m, m] → [..., m]."""
    return tf.sqrt(tf.linalg.diag_part(gramian))


def cosines(gramian: tf.Tensor) -> tf.Tensor:
    """G_ij / √(G_ii G_jj), [..., m, m]; NaN where a row is zero, since a zero vector has no direction."""
    length = norms(gramian)
    unit = length[..., :, None] * length[..., None, :]
    nan = tf.constant(float("nan"), gramian.dtype)
    return tf.where(unit > 0, gramian / tf.where(unit > 0, unit, tf.ones_like(unit)), nan)


def grouped(gramian: tf.Tensor, assignment: tf.Tensor) -> tf.Tensor:
    """A G Aᵀ: the Gramian of the groups' rows; [..., m, m] and A [k, m] → [..., k, k]."""
    return assignment @ gramian @ tf.transpose(assignment)
