"""Vector arithmetic on weights and gradients, {part: tensors}."""

from collections.abc import Iterable, Mapping

import tensorflow as tf

_LARGE = 2**12
"""The largest number of entries of a tensor that `sum_of_squares` takes together with others."""
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


def sum_of_squares(tensors: Iterable[tf.Tensor]) -> tf.Tensor:
    """Σ x² over the entries of all tensors, [].

    XLA on a CPU does not vectorise a reduction to a scalar, so the rows of a large matrix are summed as a matrix-vector
    product: of 144,386 numbers in 6 µs instead of 69. Small tensors are summed as one vector, with fewer operations.
    """
    tensors = tuple(tensors)
    small = [x for x in tensors if x.shape.num_elements() <= _LARGE]
    sums = [
        tf.linalg.matvec(tf.reshape(tf.square(x), (-1, x.shape[-1])), tf.ones(x.shape[-1], x.dtype))
        for x in tensors
        if x.shape.num_elements() > _LARGE
    ]
    if small:
        sums.append(tf.square(flat(small)))
    return tf.reduce_sum(tf.concat(sums, 0))


def inner(one: Tree, other: Tree) -> tf.Tensor:
    """The inner product Σ a·b over the parts that both trees have, [] float64; 0 if they have none in common."""
    products = [
        tf.reduce_sum(tf.cast(a, tf.float64) * tf.cast(b, tf.float64))
        for part in one
        if part in other
        for a, b in zip(one[part], other[part], strict=True)
    ]
    return tf.add_n(products) if products else tf.zeros((), tf.float64)
