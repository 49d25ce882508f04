"""Vector arithmetic on weights and gradients, {part: tensors}."""

from collections.abc import Iterable, Mapping

import tensorflow as tf

Tree = Mapping[str, tuple[tf.Tensor, ...]]
"""{part: its tensors}; two trees of the same parts have tensors of the same shapes."""


def moved(weights: Tree, delta: Tree, length: tf.Tensor | float | None = None) -> dict[str, tuple[tf.Tensor, ...]]:
    """w + Δw, or w + length · Δw; nothing is assigned.

    Args:
        weights: w.
        delta: Δw; parts of w that it lacks are returned unchanged.
        length: [] float; None for exactly w + Δw, without a multiplication.
    """
    return {
        part: tuple(w + (dw if length is None else length * dw) for w, dw in zip(tensors, delta[part], strict=True))
        if part in delta
        else tensors
        for part, tensors in weights.items()
    }


def flat(tensors: Iterable[tf.Tensor]) -> tf.Tensor:
    """The entries of all tensors in one vector [P], in the order of the tensors; gradients flow through it."""
    return tf.concat([tf.reshape(tensor, (-1,)) for tensor in tensors], 0)


def sum_of_squares(tensor: tf.Tensor) -> tf.Tensor:
    """Σ x² over a tensor's entries, [].

    The rows of a matrix are summed as a matrix-vector product: XLA on a CPU does not vectorise a reduction to a scalar,
    and takes fourteen times as long for one (scripts/benchmarks/README.md, narrow heads and norms).
    """
    squares = tf.square(tensor)
    if squares.shape.rank and squares.shape[-1] > 1:
        columns = squares.shape[-1]
        squares = tf.linalg.matvec(tf.reshape(squares, (-1, columns)), tf.ones(columns, squares.dtype))
    return tf.reduce_sum(squares)


def inner(one: Tree, other: Tree) -> tf.Tensor:
    """The inner product Σ a·b over the parts that both trees have, [] float64; 0 if they have none in common."""
    products = [
        tf.reduce_sum(tf.cast(a, tf.float64) * tf.cast(b, tf.float64))
        for part in one
        if part in other
        for a, b in zip(one[part], other[part], strict=True)
    ]
    return tf.add_n(products) if products else tf.zeros((), tf.float64)
