"""Who moves the torso, in numbers: whose row is longer, whom the applied step serves, whether the two rows agree."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rl.reductions import typical, typical_of_runs
from rl.tensorboard.gramians import Legend
from rl.tensorboard.plugin import quantities
from rl.tensorboard.plugin.source import Series


class Facts(NamedTuple):
    """The numbers of the sentence, each the median over moments, and then over seeds.

    long, short: the two rows that are compared, the longer one first; ratio: |long| / |short| of the raw rows, weighted
    with the coefficients on both, least and most of the seeds, first and last in the first and the last quarter of the
    moments; served: the objective with the largest share of the applied step by size, share that share with its sign
    (negative where the step lowers the loss), shares its quartiles over all moments, lowered how often it is negative;
    cosine of the two rows, its quartiles over all moments, and chance = 2/√P. NaN where there is none.
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
    shares: tuple[float, float]
    lowered: float
    cosine: float
    quartiles: tuple[float, float]
    chance: float


def facts(runs: Sequence[Series]) -> Facts | None:
    """Of seeds of one setting with moments, and with one legend; None where fewer than two rows have a length."""
    if not runs:
        return None
    legend, totals = runs[0].legend, [series.gramians.sum(1) for series in runs]
    pair = _pair(legend, typical_of_runs([quantities.norms(total) for total in totals], 0))
    if pair is None:
        return None
    cosines = [quantities.cosine(total, *pair) for total in totals]
    return Facts(
        **_lengths(legend, totals, pair),
        **_step(legend, [quantities.shares(total, legend) for total in totals]),
        cosine=float(typical_of_runs(cosines)),
        quartiles=_quartiles(cosines),
        chance=float(quantities.null_band(sum(legend.sizes))),
    )


def _lengths(legend: Legend, totals: Sequence[np.ndarray], pair: tuple[int, int]) -> dict[str, str | float]:
    """The ratio of the two rows, the longer one first.

    The median is taken of the later row's length over the earlier one's, as `gradient/norm_ratio/…` logs it, and then
    turned upside down where it is below 1: of an even number the median of the inverses is another one.
    """
    i, j = max(pair), min(pair)
    ratios = [quantities.ratio(total, i, j) for total in totals]
    quarter = [max(1, len(ratio) // 4) for ratio in ratios]
    found = {
        "ratio": typical_of_runs(ratios),
        "first": typical_of_runs([ratio[:q] for ratio, q in zip(ratios, quarter, strict=True)]),
        "last": typical_of_runs([ratio[-q:] for ratio, q in zip(ratios, quarter, strict=True)]),
    }
    by_seed = [typical(ratio) for ratio in ratios]
    found |= {"least": np.nanmin(by_seed), "most": np.nanmax(by_seed)}
    if found["ratio"] < 1:
        i, j = j, i
        with np.errstate(divide="ignore"):
            found = {key: np.divide(1.0, value) for key, value in found.items()}
        found["least"], found["most"] = found["most"], found["least"]
    c_i, c_j = (abs(legend.coefficients[k]) for k in (i, j))
    weighted = found["ratio"] * c_i / c_j if c_j else np.nan
    numbers = {key: float(value) for key, value in (found | {"weighted": weighted}).items()}
    return {"long": legend.rows[i], "short": legend.rows[j], **numbers}


def _step(legend: Legend, shares: Sequence[np.ndarray]) -> dict[str, str | float | tuple[float, float]]:
    """Whose share of the applied step is the largest by size, and what it typically is with its sign."""
    sizes = typical_of_runs([np.abs(share) for share in shares], 0)
    if not np.isfinite(sizes).any():
        return {"served": "", "share": np.nan, "shares": (np.nan, np.nan), "lowered": np.nan}
    k = int(np.nanargmax(sizes))
    own = [share[:, k] for share in shares]
    known = _finite(own)
    return {
        "served": legend.rows[k],
        "share": float(typical_of_runs(own)),
        "shares": _quartiles(own),
        "lowered": float((known < 0).mean()),
    }


def _finite(runs: Sequence[np.ndarray]) -> np.ndarray:
    """What is finite of all moments of all runs."""
    every = np.concatenate(runs)
    return every[np.isfinite(every)]


def _quartiles(runs: Sequence[np.ndarray]) -> tuple[float, float]:
    """Lower and upper quartile over all moments of all runs."""
    known = _finite(runs)
    return tuple(np.quantile(known, (0.25, 0.75))) if len(known) else (np.nan, np.nan)


def _pair(legend: Legend, lengths: np.ndarray) -> tuple[int, int] | None:
    """The two rows to compare.

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
    return candidates[0], beside
