"""What every combiner would have done, from logged Gramians alone; TensorFlow is imported when first asked for."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rl.tensorboard.gramians import Legend, combiner_name

HURTS = 1e-6
"""A step hurts an objective whose cosine with it is below −1e−6; nearer to 0 float64 cannot tell."""

MOST_LAYERS = 200
"""In which each layer has weights of its own: every rule is a program that runs once a layer."""
MOST_GROUPS = 8
"""Of objectives: some rules' programs grow with the square of the groups, and with thirty would take all memory."""


class Choices(NamedTuple):
    """What one combiner would have done at every moment.

    row_weights [T, L, k]: on the groups' rows; weights [T, L, m]: on the objectives' rows.
    """

    row_weights: np.ndarray
    weights: np.ndarray


@functools.cache
def rules(scope: str) -> dict:
    """{name as in `combiner=`: the combiner}, with the numbers that configs/combiner/ has."""
    import rl.updates.combiners as c

    return {
        "sum": c.Sum(scope=scope, row_weights=None),
        "mean": c.Mean(scope=scope),
        "policy_only": c.Only(scope=scope, row=0),
        "value_only": c.Only(scope=scope, row=1),
        "random": c.RandomWeights(scope=scope),
        "pcgrad": c.PCGrad(scope=scope),
        "gradvac": c.GradVac(scope=scope, beta=0.01),
        "upgrad": c.UPGrad(scope=scope, preference=None),
        "dual_proj": c.DualProj(scope=scope, preference=None),
        "mgda": c.MGDA(scope=scope),
        "cagrad": c.CAGrad(scope=scope, c=0.4),
        "imtl_g": c.IMTLG(scope=scope),
        "config": c.ConFIG(scope=scope),
        "nash_mtl": c.NashMTL(scope=scope),
        "aligned_mtl": c.AlignedMTL(scope=scope),
        "gradnorm": c.GradNorm(scope=scope, learning_rate=0.025),
    }


def own_rule(legend: Legend) -> str | None:
    """The name of the run's own combiner, None where it is not one of `rules`."""
    name = combiner_name(legend.combiner, legend.settings)
    return name if name in rules("global") else None


def rules_of(legend: Legend, scope: str) -> dict:
    """`rules`, the run's own with the run's own numbers."""
    from rl.errors import ConfigError

    every, own = rules(scope), own_rule(legend)
    if own is None:
        return every
    fields = {field.name for field in dataclasses.fields(every[own])} - {"scope"}
    given = {key: tuple(x) if isinstance(x, list) else x for key, x in legend.settings.items() if key in fields}
    try:
        return {**every, own: dataclasses.replace(every[own], **given)}
    except (ConfigError, TypeError, ValueError):
        return every  # an event file is not to be trusted with what a combiner takes


def assignment(legend: Legend) -> np.ndarray:
    """A [k, m]: A[g, i] = c_i for objective i in group g, so that the groups' Gramian is A G Aᵀ."""
    return np.array(
        [
            [c if name in members else 0.0 for name, c in zip(legend.objectives, legend.coefficients, strict=True)]
            for members in legend.groups.values()
        ]
    )


def choices(steps: np.ndarray, gramians: np.ndarray, legend: Legend, scope: str) -> dict[str, Choices]:
    """{combiner: what it would have done}; one that does not take so many groups is left out.

    A rule that remembers (GradVac, GradNorm) remembers the logged moments alone, which are not all updates there were.

    Args:
        steps: [T], the seed of what is drawn at a moment.
        gramians: [T, L, R, R] float64; moments with numbers that are not finite count as zero rows.
        scope: `global` or `layer`.
    """
    from rl.errors import ConfigError

    m, matrix = len(legend.objectives), assignment(legend)
    finite = np.isfinite(gramians).all((1, 2, 3))
    rows = np.where(finite[:, None, None, None], gramians, 0.0)[..., :m, :m]
    seen = rows.sum(1, keepdims=True) if scope == "global" else rows
    grouped = matrix @ seen @ matrix.T
    num_layers, found = gramians.shape[1], {}
    for name, combiner in rules_of(legend, scope).items():
        try:
            remembers = not isinstance(combiner.init(len(matrix)), tuple)
        except ConfigError:
            continue
        program = _program(dataclasses.replace(combiner, scope="global"), len(matrix), remembers)
        of_each = np.stack([program(steps, grouped[:, layer]) for layer in range(grouped.shape[1])], 1)
        row_weights = np.broadcast_to(of_each, (len(steps), num_layers, len(matrix)))
        found[name] = Choices(row_weights, row_weights @ matrix)
    return found


def cosines_with_rows(gramians: np.ndarray, weights: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cosines of the direction Σ_i a_i g_i with combinations of the rows, [T, n], and its length, [T].

    Args:
        gramians: [T, L, R, R]; weights: a [T, L, m].
        rows: [n, R], what the direction is held against: an identity for the rows themselves, `assignment` for the
            groups'.
    """
    m = weights.shape[-1]
    inner = np.einsum("tlri,tli->tr", gramians[..., :m], weights) @ rows.T
    squares = np.einsum("tli,tlij,tlj->t", weights, gramians[..., :m, :m], weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        length = np.sqrt(np.maximum(squares, 0.0))
        lengths = np.sqrt(np.einsum("nr,trs,ns->tn", rows, gramians.sum(1), rows))
        return inner / length[:, None] / lengths, length


@functools.cache
def _program(combiner: Any, num_rows: int, remembers: bool) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """(steps [T], Gramians [T, k, k]) → row weights [T, k]; one for both scopes, which differ in whose Gramians."""
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
    program = tf.function(in_turn if remembers else at_once, input_signature=signature, autograph=False)

    def run(steps: np.ndarray, gramians: np.ndarray) -> np.ndarray:
        seeds = np.stack([np.zeros_like(steps), steps % 2**32], 1).astype(np.uint32)
        return program(tf.constant(seeds), tf.constant(gramians)).numpy()

    return run
