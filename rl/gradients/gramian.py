"""Gramians of rows, one per layer: G_l = J_l J_lᵀ, where J_l [m, P_l] holds m rows on the P_l weights of layer l.

Norms, cosines, conflicts and a combiner's weights are functions of the Gramians alone, without the rows.
"""

from collections.abc import Mapping, Sequence

import tensorflow as tf

Row = tuple[tf.Tensor, ...]
"""A vector on the shared weights, one tensor per weight."""


def layers_of(names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Groups a row's weights into layers: weights whose names differ only in the last component.

    `torso/dense_0/kernel` and `torso/dense_0/bias` are the layer `torso/dense_0`.

    Args: names: of a row's weights, in the row's order.
    Returns: {layer: indices of its weights in the row}, in the order of the layers' first weights.
    """
    layers: dict[str, tuple[int, ...]] = {}
    for index, name in enumerate(names):
        layer = name.rsplit("/", 1)[0]
        layers[layer] = (*layers.get(layer, ()), index)
    return layers


def gramian(rows: Sequence[Row], layers: Mapping[str, Sequence[int]]) -> tf.Tensor:
    """The Gramian of each layer, G[l, i, j] = <J_l[i], J_l[j]>.

    Args:
        rows: m rows, each a tuple of tensors on the same weights.
        layers: {layer: indices of its weights in a row}, L layers.
    Returns: [L, m, m] float64, exactly symmetric. Products of float32 numbers are exact in float64; in float32 a zero
        eigenvalue of linearly dependent rows would come out as ±6e−8 of the largest, and its sign would determine a
        combiner's result.
    """
    jacobians = [
        tf.stack([tf.concat([tf.reshape(row[k], (-1,)) for k in places], 0) for row in rows])
        for places in layers.values()
    ]
    return tf.stack([_products(tf.cast(jacobian, tf.float64)) for jacobian in jacobians])


def _products(jacobian: tf.Tensor) -> tf.Tensor:
    """J Jᵀ for J [m, P], by one matrix-vector product per row: four times as fast in XLA as one matrix product."""
    products = tf.stack([tf.linalg.matvec(jacobian, row) for row in tf.unstack(jacobian)])
    lower = tf.linalg.band_part(products, -1, 0)
    return lower + tf.linalg.matrix_transpose(tf.linalg.set_diag(lower, tf.zeros_like(lower[0])))


def norms(gramian: tf.Tensor) -> tf.Tensor:
    """The norms of the rows, √G_ii; [..., m, m] → [..., m]."""
    return tf.sqrt(tf.linalg.diag_part(gramian))


def cosines(gramian: tf.Tensor) -> tf.Tensor:
    """The cosines of all pairs of rows, G_ij / √(G_ii G_jj); [..., m, m] → [..., m, m], in [−1, 1] up to rounding.

    NaN if one of the two rows is zero, since a zero vector has no direction.
    """
    length = norms(gramian)
    unit = length[..., :, None] * length[..., None, :]
    nan = tf.constant(float("nan"), gramian.dtype)
    return tf.where(unit > 0, gramian / tf.where(unit > 0, unit, tf.ones_like(unit)), nan)


def conflict(gramians: tf.Tensor) -> tf.Tensor:
    """The share of layers, in [0, 1], in which a pair of rows has a negative inner product.

    Unrelated rows give about ½. Every layer has the same weight, whatever its size.

    Args: gramians: [L, m, m].
    Returns: [m, m] float32, 0 on the diagonal.
    """
    return tf.reduce_mean(tf.cast(gramians < 0, tf.float32), 0)


def grouped(gramian: tf.Tensor, assignment: tf.Tensor) -> tf.Tensor:
    """The Gramian of the groups' rows, A G Aᵀ with A[g, i] = c_i for objective i in group g, else 0.

    Args:
        gramian: [..., m, m], of the objectives' rows.
        assignment: [k, m], A.
    Returns: [..., k, k].
    """
    return assignment @ gramian @ tf.transpose(assignment)
