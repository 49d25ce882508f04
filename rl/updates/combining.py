"""From the layers' Gramians to one weight per row and layer, and from these weights to the combined gradient."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from rl.gradients.gramian import Row
from rl.updates.combiners import Combiner


def initial_state(combiner: Combiner, num_rows: int, num_layers: int) -> Any:
    """The combiner's state before the first update; with scope `layer` a tuple with one state per layer.

    Raises: ConfigError if the combiner's settings do not fit the number of rows.
    """
    state = combiner.init(num_rows)
    return tuple(state for _ in range(num_layers)) if combiner.scope == "layer" else state


def row_weights(
    combiner: Combiner, gramians: tf.Tensor, losses: tf.Tensor, state: Any, seed: tf.Tensor
) -> tuple[tf.Tensor, Any]:
    """The weight of every row in every layer, and the combiner's next state.

    Scope `global` computes the weights from Σ_l G_l, the same for every layer; scope `layer` from each G_l.

    Args:
        combiner: the rule.
        gramians: G, [L, k, k] float64.
        losses: [k] float, the losses whose gradients the rows are.
        state: as returned by `initial_state` or the previous call.
        seed: [2] int, for combiners that draw random numbers.
    Returns: (w [L, k] in the losses' dtype, next state).
    """
    if combiner.scope == "global":
        weights, state = combiner.weights(tf.reduce_sum(gramians, 0), losses, state, seed)
        return tf.repeat(tf.cast(weights, losses.dtype)[None], gramians.shape[0], 0), state
    by_layer, states = [], []
    for layer in range(gramians.shape[0]):
        weights, layer_state = combiner.weights(gramians[layer], losses, state[layer], seed)
        by_layer.append(tf.cast(weights, losses.dtype))
        states.append(layer_state)
    return tf.stack(by_layer), tuple(states)


def weighted_sum(rows: Sequence[Row], weights: tf.Tensor, layers: Mapping[str, Sequence[int]]) -> list[tf.Tensor]:
    """Σ_g w[l, g] row_g for the tensors of every layer l.

    Args:
        rows: k rows, each with one tensor per weight.
        weights: w, [L, k] float.
        layers: {layer: indices of its weights in a row}, L layers.
    Returns: one tensor per weight, in a row's order and dtype.
    """
    combined = [None] * len(rows[0])
    for layer, places in enumerate(layers.values()):
        for place in places:
            terms = [tf.cast(weights[layer, g], row[place].dtype) * row[place] for g, row in enumerate(rows)]
            combined[place] = tf.add_n(terms)
    return combined
