"""One sentence about a setting, for the top of its card: which objective moves the torso.

It has up to three parts: the ratio of the two rows' norms, the objective that the applied step changes most, and
whether the two rows agree. `facts` has the numbers; this module has the wording and its thresholds.
"""

from collections.abc import Sequence

import numpy as np

from rl.tensorboard.plugin.facts import Facts, facts
from rl.tensorboard.plugin.source import Series

_ALIKE = 1.25
"""Norms whose ratio is below this are described as equal."""
_CLEAR = 0.1
"""A cosine beyond chance with an absolute value below this is called neither agreement nor conflict."""
_DRIFT = 4.0
"""A ratio that changes by a smaller factor between the first and the last quarter of a run is given once."""


def describe(runs: Sequence[Series]) -> tuple[str, str]:
    """(the sentence, a second one with the numbers in detail) for the seeds of one setting.

    Seeds without moments are left out, as are those whose rows differ from the first seed's.
    """
    having = [series for series in runs if len(series.steps)]
    having = [series for series in having if series.legend.rows == having[0].legend.rows]
    found = facts(having)
    if found is None:
        names = having[0].legend.objectives if having else ()
        only = (
            f"Only {_the(names[0])} has a row on the torso." if len(names) == 1 else "No two rows have a norm above 0."
        )
        return only, ""
    return _joined([_lengths(found), _step(found), _angle(found)]), _joined(_details(found, len(having)))


def _joined(parts: Sequence[str]) -> str:
    """The non-empty parts as one sentence, separated by semicolons."""
    text = "; ".join(part for part in parts if part)
    if not text:
        return ""
    is_word = text.split()[0].isalpha()  # otherwise a number, or an objective's name without an article
    return f"{text[:1].upper() if is_word else text[:1]}{text[1:]}."


def _the(objective: str) -> str:
    """The objective with its article; a name that is no word (`q_0`) has none."""
    return f"the {objective}" if objective.isalpha() else objective


def _lengths(found: Facts) -> str:
    """The ratio of the two rows' norms, or a statement that they are about equal."""
    if found.ratio < _ALIKE:
        return f"the rows of {' and '.join(sorted((found.long, found.short)))} have about the same norm"
    return f"{_the(found.long)}'s row is {_times(found.ratio)} {_the(found.short)}'s"


def _step(found: Facts) -> str:
    """The objective that the applied step changes most, to first order; empty if no step was logged.

    If the quartiles of its share have different signs, the step neither serves nor works against it, and the sentence
    says that the share changes its sign. A share below one half is the largest of several.
    """
    if not np.isfinite(found.share):
        return ""
    low, high = found.shares
    if low < 0 < high or found.share == 0:
        return f"{_the(found.served)}'s share of the applied step changes its sign between moments ({_typical(found)})"
    does, size = "serves" if found.share < 0 else "works against", abs(found.share)
    if size < 0.5:
        return f"the applied step {does} {_the(found.served)} most ({100 * size:.0f} %)"
    return f"{100 * size:.0f} % of the applied step {does} {_the(found.served)}"


def _angle(found: Facts) -> str:
    """Whether the two rows agree or conflict.

    Cosines within ±2/√P are to be expected of independent rows. Beyond that, a cosine whose quartiles have different
    signs is neither agreement nor conflict, and for one below `_CLEAR` only its value is given.
    """
    if not np.isfinite(found.cosine):
        return ""
    if abs(found.cosine) <= found.chance:
        return "cosine within chance"
    low, high = found.quartiles
    if low < 0 < high:
        return f"the cosine changes its sign (median {_signed(found.cosine)})"
    if abs(found.cosine) < _CLEAR:
        return f"cosine hardly beyond chance ({_signed(found.cosine)})"
    return f"the two {'agree' if found.cosine > 0 else 'conflict'} (cosine {_signed(found.cosine)})"


def _details(found: Facts, num_runs: int) -> list[str]:
    """The parts of the second sentence; a part is empty if it does not apply.

    They are the range over seeds, a drift of the ratio, the ratio with coefficients, how often the step lowers the
    loss, and the cosine with its quartiles.
    """
    first, last = found.first, found.last
    return [
        f"{_times(found.least)} to {_times(found.most)} over {num_runs} runs" if num_runs > 1 else "",
        f"{_times(first)} in the first quarter and {_times(last)} in the last" if _drifts(first, last) else "",
        f"{_times(found.weighted)} with coefficients" if np.isfinite(found.weighted) else "",
        f"the step lowers {_the(found.served)}'s loss at {100 * found.lowered:.0f} % of the moments"
        if found.served
        else "",
        f"cosine {_signed(found.cosine)} (quartiles {_signed(found.quartiles[0])} and {_signed(found.quartiles[1])}), "
        f"chance ±{found.chance:.2f}"
        if np.isfinite(found.cosine)
        else "",
    ]


def _drifts(first: float, last: float) -> bool:
    """Whether a ratio changes by more than the factor `_DRIFT`, up or down."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return bool(np.abs(np.log(first) - np.log(last)) > np.log(_DRIFT))


def _typical(found: Facts) -> str:
    """The median share with its sign, in the report's words."""
    return f"median {round(100 * found.share)} %".replace("-", "−")


def _signed(x: float) -> str:
    """A number with two decimals and a typographic minus."""
    return f"{x:.2f}".replace("-", "−")


def _times(x: float) -> str:
    """A factor with two significant digits: `130 ×`, `9.0 ×`, `1.2e6 ×`; a dash if it is not finite."""
    if not np.isfinite(x):
        return "–"
    if x >= 1e5 or 0 < x < 0.01:
        return f"{x:.1e} ×".replace("e+0", "e").replace("e+", "e").replace("e-0", "e−").replace("e-", "e−")
    return f"{float(f'{x:.2g}'):,.{0 if x >= 9.95 else 1 if x >= 0.995 else 2}f} ×".replace(",", "\u202f")
