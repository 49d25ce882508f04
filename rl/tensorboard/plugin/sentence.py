"""Who moves the torso, in one sentence: whose row is longer, whom the applied step serves, whether the rows fight."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rl.tensorboard.gramians import Legend
from rl.tensorboard.plugin import quantities
from rl.tensorboard.plugin.source import Series
from rl.tensorboard.plugin.thinning import finite_median

_ALIKE = 1.25
"""Rows whose lengths differ by less are said to be of one length."""
_CLEAR = 0.1
"""A cosine beyond chance and below this is no fight, and no agreement, that anybody could see."""
_DRIFT = 4.0
"""A ratio that changes by less between the first and the last quarter of a run is said once."""


class Facts(NamedTuple):
    """The numbers of the sentence, each the median over moments, and then over seeds.

    long, short: the two rows that are compared, the longer one first; ratio: |long| / |short| of the raw rows, weighted
    with the coefficients on both, least and most of the seeds, first and last in the first and the last quarter of the
    moments; served: the objective with the largest share of the applied step by size, share that size, lowered the
    share of moments at which the step lowers its loss; cosine of the two rows, chance = 2/√P. NaN where there is none.
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
        cosine=finite_median([finite_median(quantities.cosine(total, i, j)) for total in totals]),
        chance=float(quantities.null_band(sum(legend.sizes))),
    )


def told(runs: Sequence[Series]) -> tuple[str, str]:
    """(the sentence for the top of a card, its numbers in more detail) of the seeds of one setting."""
    having = [series for series in runs if len(series.steps)]
    having = [series for series in having if series.legend.rows == having[0].legend.rows]
    found = facts(having)
    if found is None:
        names = having[0].legend.objectives if having else ()
        only = (
            f"Only the {names[0]} has a row on the torso."
            if len(names) == 1
            else "No two rows have a length to compare."
        )
        return only, ""
    return _joined([_lengths(found), _step(found), _angle(found)]), _joined(_details(found, len(having)))


def _joined(parts: Sequence[str]) -> str:
    text = "; ".join(part for part in parts if part)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _lengths(found: Facts) -> str:
    if found.ratio < _ALIKE:
        return f"the rows of {found.long} and {found.short} are of one length"
    return f"the {found.long}'s row is {_times(found.ratio)} the {found.short}'s"


def _step(found: Facts) -> str:
    if not np.isfinite(found.share):
        return ""
    does = "serves" if found.lowered >= 0.5 else "works against"
    if found.share < 0.5:
        return f"the applied step {does} the {found.served} most ({100 * found.share:.0f} %)"
    return f"{100 * found.share:.0f} % of the applied step {does} the {found.served}"


def _angle(found: Facts) -> str:
    if not np.isfinite(found.cosine):
        return ""
    if abs(found.cosine) <= found.chance:
        return "cosine within chance"
    if abs(found.cosine) < _CLEAR:
        return f"cosine hardly beyond chance ({_signed(found.cosine)})"
    return f"the two {'agree' if found.cosine > 0 else 'fight'} (cosine {_signed(found.cosine)})"


def _details(found: Facts, num_runs: int) -> list[str]:
    first, last = found.first, found.last
    return [
        f"{_times(found.least)} to {_times(found.most)} over {num_runs} runs" if num_runs > 1 else "",
        f"{_times(first)} at first and {_times(last)} at last" if max(first / last, last / first) > _DRIFT else "",
        f"{_times(found.weighted)} with the coefficients" if np.isfinite(found.weighted) else "",
        f"the step lowers the {found.served}'s loss at {100 * found.lowered:.0f} % of the moments"
        if found.served
        else "",
        f"cosine {_signed(found.cosine)}, chance ±{found.chance:.2f}" if np.isfinite(found.cosine) else "",
    ]


def _signed(x: float) -> str:
    return f"{x:.2f}".replace("-", "−")


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


def _times(x: float) -> str:
    if not np.isfinite(x):
        return "–"
    if x >= 1e5 or x < 0.01:
        return f"{x:.1e} ×".replace("e+0", "e").replace("e+", "e").replace("e-0", "e−").replace("e-", "e−")
    return f"{float(f'{x:.2g}'):,.{0 if x >= 9.95 else 1 if x >= 0.995 else 2}f} ×".replace(",", "\u202f")
