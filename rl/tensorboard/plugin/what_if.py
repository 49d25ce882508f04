"""What every combiner would have done, computed from the logged Gramians by the package's own combiners.

TensorFlow is imported at the first request that needs it, since TensorBoard imports this module at startup.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rl.tensorboard.combiner_options import combiner_name, combiner_options
from rl.tensorboard.gramians import Legend

HURTS = 1e-6
"""A direction hurts an objective if its cosine with the row is below −1e−6; closer to 0 its sign is rounding."""
MAX_LAYERS = 200
"""Limit on the layers with scope `layer`, for which every combiner's program runs once per layer."""
MAX_GROUPS = 8
"""Limit on the groups: some combiners' programs grow with their square, and would take all memory with 30."""

_ORDER = (
    *("Sum", "Mean", "Only", "RandomWeights"),
    *("PCGrad", "GradVac", "UPGrad", "DualProj"),
    *("MGDA", "CAGrad"),
    *("IMTLG", "ConFIG", "NashMTL", "AlignedMTL", "GradNorm"),
)
"""Classes in the order of the page: fixed weights, projections, min-max, balanced. Others follow by name."""


class Choices(NamedTuple):
    """The weights that one combiner would have chosen at every moment."""

    row_weights: np.ndarray
    """[T, L, k], one per group's row."""
    weights: np.ndarray
    """[T, L, m], the equivalent weights on the objectives' raw rows, coefficients included."""


@functools.cache
def rules(scope: str) -> dict:
    """{option of `combiner=`: the combiner}, with the settings in configs/combiner/, in the order of the page.

    Args:
        scope: `global` or `layer`, for all of them.
    """
    import rl.updates.combiners

    def place(option):
        return _ORDER.index(option.class_name) if option.class_name in _ORDER else len(_ORDER)

    options = sorted(combiner_options(), key=place)
    return {
        option.name: getattr(rl.updates.combiners, option.class_name)(scope=scope, **option.settings)
        for option in options
    }


def own_rule(legend: Legend) -> str | None:
    """The option of `combiner=` that the run used; None if its combiner is not one of `rules`."""
    name = combiner_name(legend.combiner, legend.settings)
    return name if name in rules("global") else None


def rules_for(legend: Legend, scope: str) -> dict:
    """`rules`, with the recorded settings for the run's own combiner.

    An event file may come from anywhere: settings that the combiner rejects are ignored.
    """
    from rl.errors import ConfigError

    every, own = rules(scope), own_rule(legend)
    if own is None:
        return every
    fields = {field.name for field in dataclasses.fields(every[own])} - {"scope"}
    given = {key: tuple(x) if isinstance(x, list) else x for key, x in legend.settings.items() if key in fields}
    try:
        return {**every, own: dataclasses.replace(every[own], **given)}
    except (ConfigError, TypeError, ValueError):
        return every


def assignment(legend: Legend) -> np.ndarray:
    """The matrix A [k, m] with A[g, i] = c_i for objective i in group g, 0 elsewhere.

    The groups' Gramian is A G Aᵀ, and weights w [k] on the groups' rows are weights w A [m] on the objectives' rows.
    """
    return np.array(
        [
            [c if name in members else 0.0 for name, c in zip(legend.objectives, legend.coefficients, strict=True)]
            for members in legend.groups.values()
        ]
    )


def choices(steps: np.ndarray, gramians: np.ndarray, legend: Legend, scope: str) -> dict[str, Choices]:
    """{combiner: its choices}; a combiner that rejects this number of groups is left out.

    A combiner with state (GradVac, GradNorm) is updated only at the logged moments, not at every update of the run.

    Args:
        steps: [T] environment steps, from which random weights and orders are seeded.
        gramians: [T, L, R, R] float64; at moments with non-finite entries all rows count as zero.
        scope: `global` or `layer`.
    """
    from rl.errors import ConfigError

    m, matrix = len(legend.objectives), assignment(legend)
    finite = np.isfinite(gramians).all((1, 2, 3))
    rows = np.where(finite[:, None, None, None], gramians, 0.0)[..., :m, :m]
    seen = rows.sum(1, keepdims=True) if scope == "global" else rows
    grouped = matrix @ seen @ matrix.T
    num_layers, found = gramians.shape[1], {}
    for name, combiner in rules_for(legend, scope).items():
        try:
            has_state = not isinstance(combiner.init(len(matrix)), tuple)
        except ConfigError:
            continue
        program = _program(dataclasses.replace(combiner, scope="global"), len(matrix), has_state)
        weights = np.stack([program(steps, grouped[:, layer]) for layer in range(grouped.shape[1])], 1)
        row_weights = np.broadcast_to(weights, (len(steps), num_layers, len(matrix)))
        found[name] = Choices(row_weights, row_weights @ matrix)
    return found


def cosines_with_rows(gramians: np.ndarray, weights: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cosines [T, n] of the direction Σ_i a_i g_i with n vectors, and its norm [T].

    Args:
        gramians: [T, L, R, R].
        weights: a [T, L, m], on the objectives' rows.
        rows: [n, R], the vectors as combinations of the rows: an identity for the rows themselves, `assignment` for
            the groups' rows.
    """
    m = weights.shape[-1]
    inner = np.einsum("tlri,tli->tr", gramians[..., :m], weights) @ rows.T
    squares = np.einsum("tli,tlij,tlj->t", weights, gramians[..., :m, :m], weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        length = np.sqrt(np.maximum(squares, 0.0))
        lengths = np.sqrt(np.einsum("nr,trs,ns->tn", rows, gramians.sum(1), rows))
        return inner / length[:, None] / lengths, length


@functools.cache
def _program(combiner: Any, num_rows: int, has_state: bool) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The compiled function (steps [T], Gramians [T, k, k]) → row weights [T, k] of one combiner.

    Both scopes share it: they differ only in the Gramians passed to it. Stateless combiners run on all moments at once.
    """
    import tensorflow as tf

    losses = tf.zeros(num_rows)

    def at_once(seeds, gramians):
        return tf.vectorized_map(
            lambda moment: combiner.weights(moment[1], losses, (), moment[0])[0],
            (seeds, gramians),
            fallback_to_while_loop=False,
        )

    def in_turn(seeds, gramians):
        def turn(carry, moment):
            return combiner.weights(moment[1], losses, carry[1], moment[0])

        start = (tf.zeros(num_rows, tf.float64), combiner.init(num_rows))
        return tf.scan(turn, (seeds, gramians), start)[0]

    signature = [tf.TensorSpec((None, 2), tf.uint32), tf.TensorSpec((None, num_rows, num_rows), tf.float64)]
    program = tf.function(in_turn if has_state else at_once, input_signature=signature, autograph=False)

    def run(steps: np.ndarray, gramians: np.ndarray) -> np.ndarray:
        seeds = np.stack([np.zeros_like(steps), steps % 2**32], 1).astype(np.uint32)
        return program(tf.constant(seeds), tf.constant(gramians)).numpy()

    return run
