"""Weights and gradients as vectors: {part: tensors}, and tuples of tensors."""

from collections.abc import Iterable, Mapping

import tensorflow as tf

Tree = Mapping[str, tuple[tf.Tensor, ...]]


def moved(weights: Tree, delta: Tree, length: tf.Tensor | float | None = None) -> dict[str, tuple[tf.Tensor, ...]]:
    """w + Δw, or w + length · Δw; parts that the step does not have stay as they are."""
    return {
        part: tuple(w + (dw if length is None else length * dw) for w, dw in zip(tensors, delta[part], strict=True))
        if part in delta
        else tensors
        for part, tensors in weights.items()
    }


def flat(tensors: Iterable[tf.Tensor]) -> tf.Tensor:
    """All entries as one vector [P]."""
    return tf.concat([tf.reshape(tensor, (-1,)) for tensor in tensors], 0)


def inner(one: Tree, other: Tree) -> tf.Tensor:
    """The inner product over the parts that both have, [] float64."""
    products = [
        tf.reduce_sum(tf.cast(a, tf.float64) * tf.cast(b, tf.float64))
        for part in one
        if part in other
        for a, b in zip(one[part], other[part], strict=True)
    ]
    return tf.add_n(products) if products else tf.zeros((), tf.float64)
