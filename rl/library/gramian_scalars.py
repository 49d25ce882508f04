"""The scalars of a Gramian, under the tags of the probes `norms`, `cosines`, `conflict` and `attribution`."""

from collections.abc import Sequence

import numpy as np

from rl.gradient_tags import attribution_tags, conflict_tags, cosine_tags, norm_tags, null_band_tags
from rl.tensorboard.gramians import Legend
from rl.tensorboard.plugin import quantities

APPLIED = "applied"
"""The extra row that is the step of the optimizer, Δw."""


def gramian_scalars(gramian: np.ndarray, legend: Legend) -> dict[str, float]:
    """{tag: number} over all shared weights and for each layer; NaN where a quantity is undefined.

    Args:
        gramian: [L, R, R] float64, the rows in the order of `legend.rows`.
    """
    objectives, layers, m = legend.objectives, legend.layers, len(legend.objectives)
    raw = gramian[:, :m, :m]
    total = raw.sum(0)
    norms = dict(zip(objectives, quantities.norms(total), strict=True))
    ratios = {name: quantities.ratio(total, i, 0) for i, name in enumerate(objectives) if i > 0}
    numbers = {
        **norm_tags(norms, {}, ratios, quantities.norms(raw), objectives, layers),
        **null_band_tags(legend.sizes, layers),
        **cosine_tags(_of_pairs(quantities.cosine, total, m), _of_pairs(quantities.cosine, raw, m), objectives, layers),
        **conflict_tags(_of_pairs(quantities.conflict, raw, m).mean(0), objectives),
    }
    if APPLIED in legend.extra_rows:
        numbers |= _attribution(gramian[:, :m, legend.rows.index(APPLIED)], legend.coefficients, objectives, layers)
    return {tag: float(number) for tag, number in numbers.items()}


def _of_pairs(quantity, gramian: np.ndarray, m: int) -> np.ndarray:
    """[..., m, m], a quantity of two rows for all pairs."""
    return np.stack([np.stack([quantity(gramian, i, j) for j in range(m)], -1) for i in range(m)], -2)


def _attribution(
    by_layer: np.ndarray, coefficients: Sequence[float], objectives: Sequence[str], layers: Sequence[str]
) -> dict[str, float]:
    """Change and share of each loss, from the inner products <J_l[i], Δw_l> [L, m]; a share is 0 if all changes are."""
    changes, weights = by_layer.sum(0), np.array(coefficients)

    def shares(weighted: np.ndarray) -> np.ndarray:
        whole = np.abs(weighted).sum(-1, keepdims=True)
        return weighted / np.where(whole == 0, 1.0, whole)

    return attribution_tags(changes, shares(changes * weights), shares(by_layer * weights), objectives, layers)
