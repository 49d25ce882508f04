"""Who moves the torso, in numbers: whose row is longer, whom the applied step serves, whether the two rows agree."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rl.tensorboard.gramians import Legend
from rl.tensorboard.plugin import quantities
from rl.tensorboard.plugin.source import Series
from rl.tensorboard.plugin.thinning import finite_median


class Facts(NamedTuple):
    """The numbers of the sentence, each the median over moments, and then over seeds.

    long, short: the two rows that are compared, the longer one first; ratio: |long| / |short| of the raw rows, weighted
    with the coefficients on both, least and most of the seeds, first and last in the first and the last quarter of the
    moments; served: the objective with the largest share of the applied step by size, share that size, lowered the
    share of moments at which the step lowers its loss; cosine of the two rows, its quartiles over all moments, and
    chance = 2/√P. NaN where there is none.
    """

    long: str
    short: str
    ratio: float
    weighted: float
    least: float
    most: float
    first: float
    last: float
    served: str
    share: float
    lowered: float
    cosine: float
    quartiles: tuple[float, float]
    chance: float


def facts(runs: Sequence[Series]) -> Facts | None:
    """Of seeds of one setting with moments, and with one legend; None where fewer than two rows have a length."""
    if not runs:
        return None
    legend, totals = runs[0].legend, [series.gramians.sum(1) for series in runs]
    pair = _pair(legend, finite_median([finite_median(quantities.norms(total), 0) for total in totals], 0))
    if pair is None:
        return None
    i, j = pair
    ratios = [quantities.ratio(total, i, j) for total in totals]
    by_seed = [finite_median(ratio) for ratio in ratios]
    c_i, c_j = (abs(legend.coefficients[k]) for k in (i, j))
    quarter = [max(1, len(ratio) // 4) for ratio in ratios]
    shares = [quantities.shares(total, legend) for total in totals]
    sizes = finite_median([finite_median(np.abs(share), 0) for share in shares], 0)
    k = int(np.nanargmax(sizes)) if np.isfinite(sizes).any() else None
    served = np.concatenate([share[:, k] for share in shares]) if k is not None else np.zeros(0)
    served = served[np.isfinite(served)]
    cosines = [quantities.cosine(total, i, j) for total in totals]
    known = np.concatenate(cosines)
    known = known[np.isfinite(known)]
    return Facts(
        long=legend.rows[i],
        short=legend.rows[j],
        ratio=finite_median(by_seed),
        weighted=finite_median(by_seed) * c_i / c_j if c_j else float("nan"),
        least=float(np.nanmin(by_seed)),
        most=float(np.nanmax(by_seed)),
        first=finite_median([finite_median(ratio[:q]) for ratio, q in zip(ratios, quarter, strict=True)]),
        last=finite_median([finite_median(ratio[-q:]) for ratio, q in zip(ratios, quarter, strict=True)]),
        served="" if k is None else legend.rows[k],
        share=float("nan") if k is None else float(sizes[k]),
        lowered=float((served < 0).mean()) if len(served) else float("nan"),
        cosine=finite_median([finite_median(cosine) for cosine in cosines]),
        quartiles=tuple(np.quantile(known, (0.25, 0.75))) if len(known) else (np.nan, np.nan),
        chance=float(quantities.null_band(sum(legend.sizes))),
    )


def _pair(legend: Legend, lengths: np.ndarray) -> tuple[int, int] | None:
    """The two rows to compare, the longer first.

    Of each group the policy or the value, or else the objective whose row is longest with its coefficient; of these the
    longest and, beside it, the policy, or else the next longest.
    """
    m = len(legend.objectives)
    pull = np.abs(legend.coefficients) * lengths[:m]
    candidates = []
    for members in legend.groups.values():
        places = [legend.objectives.index(name) for name in members]
        known = [i for i in places if legend.objectives[i] in ("policy", "value")]
        candidates += [max(known or places, key=lambda i: np.nan_to_num(pull[i]))] if places else []
    candidates = list(dict.fromkeys(candidates))
    if len(candidates) < 2:
        candidates = list(range(m))
    candidates = sorted((i for i in candidates if lengths[i] > 0), key=lambda i: -np.nan_to_num(pull[i]))
    if len(candidates) < 2:
        return None
    beside = next((i for i in candidates[1:] if legend.objectives[i] == "policy"), candidates[1])
    return tuple(sorted((candidates[0], beside), key=lambda i: -lengths[i]))
