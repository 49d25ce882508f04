"""The numbers of a setting's sentence: which row is longer, which objective the step serves, whether rows agree."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rl.reductions import typical, typical_of_runs
from rl.tensorboard.gramians import Legend
from rl.tensorboard.plugin import quantities
from rl.tensorboard.plugin.source import Series


class Facts(NamedTuple):
    """The numbers of the sentence: each is the median over the moments of a seed, then over seeds; NaN if undefined.

    long, short: names of the two rows that are compared, the longer one first.
    ratio: |long| / |short| of the raw rows. weighted: the same with the coefficients on both rows. least, most: the
    smallest and the largest ratio of a seed. first, last: the ratio in the first and in the last quarter of the
    moments.
    served: the objective with the largest share of the applied step by absolute value. share: that share, negative
    where the step lowers the loss. shares: its quartiles over all moments. lowered: fraction of the moments in which
    it is negative.
    cosine: of the two rows. quartiles: its quartiles over all moments. chance: 2/√P.
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
    """The facts of a setting; None where fewer than two rows have a norm above 0.

    Args:
        runs: the setting's seeds, each with at least one moment, all with the rows of the first one's legend.
    """
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
    """The ratio of the two rows' norms, the longer row first.

    The median is taken of the later row's norm over the earlier one's, as `gradient/norm_ratio/…` logs it, and
    inverted where it is below 1: the median of an even number of inverses differs from the inverse of their median.

    Args:
        totals: for each seed its Gramians over all layers, [T, R, R].
        pair: places of the two rows.
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
    """The objective whose share of the applied step is largest by absolute value, and that share with its sign.

    Args:
        shares: [T, m] of each seed.
    """
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
    """The finite values of all moments of all runs, in one array."""
    every = np.concatenate(runs)
    return every[np.isfinite(every)]


def _quartiles(runs: Sequence[np.ndarray]) -> tuple[float, float]:
    """Lower and upper quartile of the finite values of all runs."""
    known = _finite(runs)
    return tuple(np.quantile(known, (0.25, 0.75))) if len(known) else (np.nan, np.nan)


def _pair(legend: Legend, lengths: np.ndarray) -> tuple[int, int] | None:
    """Places of the two rows to compare; None where fewer than two of the candidates have a norm above 0.

    Candidates are the leading objectives of the groups. The longest of them with its coefficient is compared with the
    legend's reference row, and where it is that row itself, with the next longest.

    Args:
        lengths: typical norms of the rows, [R].
    """
    weighted = np.nan_to_num(np.abs(legend.coefficients) * lengths[: len(legend.objectives)])
    leads = [legend.objectives.index(name) for name in legend.leads]
    longest, *others = sorted((i for i in leads if lengths[i] > 0), key=lambda i: -weighted[i]) or [None]
    if not others:
        return None
    return longest, 0 if 0 in others else others[0]
