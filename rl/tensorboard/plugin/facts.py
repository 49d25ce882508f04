"""The numbers behind a setting's sentence: which row is longer, which objective the step serves, if rows agree."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rl.reductions import typical, typical_of_runs
from rl.tensorboard.gramians import Legend
from rl.tensorboard.plugin import quantities
from rl.tensorboard.plugin.source import Series


class Facts(NamedTuple):
    """The numbers of the sentence: each is the median over the moments of a seed, then over seeds; NaN if undefined."""

    long: str
    """Name of the longer of the two rows that are compared."""
    short: str
    """Name of the shorter one."""
    ratio: float
    """|long| / |short| of the raw rows."""
    weighted: float
    """The same ratio with each row multiplied by its coefficient."""
    least: float
    """The smallest ratio of a seed."""
    most: float
    """The largest ratio of a seed."""
    first: float
    """The ratio in the first quarter of the moments."""
    last: float
    """The ratio in the last quarter of the moments."""
    served: str
    """The objective with the largest share of the applied step by absolute value."""
    share: float
    """That share; negative if the step lowers the loss."""
    shares: tuple[float, float]
    """Quartiles of that share over all moments."""
    lowered: float
    """Fraction of the moments in which the share is negative."""
    cosine: float
    """Cosine of the two rows."""
    quartiles: tuple[float, float]
    """Quartiles of the cosine over all moments."""
    chance: float
    """2/√P, two standard deviations of the cosine of independent random directions."""


def facts(runs: Sequence[Series]) -> Facts | None:
    """The facts of a setting; None if fewer than two rows have a norm above 0.

    Args:
        runs: the setting's seeds, each with at least one moment, all with the same rows as the first one's legend.
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

    The median is taken of the later row's norm over the earlier one's, as in `gradient/norm_ratio/…`, and inverted if
    it is below 1: the median of an even number of inverses differs from the inverse of their median.

    Args:
        totals: each seed's Gramians summed over layers, [T, R, R].
        pair: indices of the two rows.
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
    """The objective with the largest share of the applied step by absolute value, and that share with its sign.

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
    """Lower and upper quartile of the finite values of all runs; NaN if there are none."""
    known = _finite(runs)
    return tuple(np.quantile(known, (0.25, 0.75))) if len(known) else (np.nan, np.nan)


def _pair(legend: Legend, lengths: np.ndarray) -> tuple[int, int] | None:
    """Indices of the two rows to compare; None if fewer than two of the candidates have a norm above 0.

    Candidates are the leading objectives of the groups. The longest of them, coefficients included, is compared
    with the legend's reference row, or with the next longest if it is that row itself.

    Args:
        lengths: typical norms of the rows, [R].
    """
    weighted = np.nan_to_num(np.abs(legend.coefficients) * lengths[: len(legend.objectives)])
    leads = [legend.objectives.index(name) for name in legend.leads]
    longest, *others = sorted((i for i in leads if lengths[i] > 0), key=lambda i: -weighted[i]) or [None]
    if not others:
        return None
    return longest, 0 if 0 in others else others[0]
