"""The gradient noise scale over training: a ratio of running averages."""

import re
from collections.abc import Mapping

import numpy as np

_PART = re.compile(r"gradient/noise/(?P<objective>[^/]+)/trace$")
_DECAY = 0.9


class NoiseScales:
    """B_simple = tr Σ / |g|² of every objective, each part averaged over the probed updates so far, and then divided.

    The ratio of two noisy numbers is biased, and an average of such ratios stays so; both parts are unbiased
    (McCandlish et al. 2018, appendix A, arXiv:1812.06162). NaN while the averaged |g|² is not above 0: the row cannot
    be told from noise. The updates' weights differ, so that this is what the scale was lately, not what it is.
    """

    def __init__(self, averages: Mapping[str, tuple[float, float]] | None = None):
        """averages: as `averages` was, to go on from there."""
        self.averages = {name: tuple(pair) for name, pair in (averages or {}).items()}
        """{objective: (tr Σ, |g|²)}, both with the same weights on the past, which add up to less than 1 at first."""

    def columns(self, findings: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """{gradient/noise_scale/<objective>: [K]} from the parts that the probe `noise` found, NaN where none was."""
        scales = {}
        for tag, traces in findings.items():
            if found := _PART.match(tag):
                name = found["objective"]
                squares = findings[f"gradient/noise/{name}/square_norm"]
                scales[f"gradient/noise_scale/{name}"] = np.array(
                    [self._after(name, *pair) for pair in zip(traces, squares, strict=True)]
                )
        return scales

    def _after(self, name: str, trace: float, square: float) -> float:
        if not (np.isfinite(trace) and np.isfinite(square)):
            return float("nan")
        old = self.averages.get(name, (0.0, 0.0))
        new = tuple(_DECAY * past + (1 - _DECAY) * float(x) for past, x in zip(old, (trace, square), strict=True))
        self.averages[name] = new
        return new[0] / new[1] if new[1] > 0 else float("nan")
