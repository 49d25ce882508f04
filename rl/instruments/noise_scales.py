"""The gradient noise scale during training, as a ratio of running averages."""

import re
from collections.abc import Mapping

import numpy as np

_PART = re.compile(r"gradient/noise/(?P<objective>[^/]+)/trace$")
_DECAY = 0.9
"""Weight of the past in a running average, per probed update: it averages over about the last ten."""


class NoiseScales:
    """The noise scale B_simple = tr Σ / |g|² of each objective, with tr Σ and |g|² averaged before the division.

    The ratio of two noisy estimates is biased, and so is an average of such ratios; the estimates of tr Σ and |g|² are
    unbiased (McCandlish et al. 2018, appendix A, arXiv:1812.06162). The scale is NaN while the average of |g|² is not
    positive, since the row is then indistinguishable from noise. The averages are over updates at different weights,
    so the scale describes the recent past of training, not the current weights.

    One object belongs to one run and is updated by `columns`.
    """

    def __init__(self, averages: Mapping[str, tuple[float, float]] | None = None):
        """averages: the attribute `averages` of the run's object when it was saved; None for a new run."""
        self.averages = {name: tuple(pair) for name, pair in (averages or {}).items()}
        """{objective: (tr Σ, |g|²)}, exponential averages from 0, whose initial bias cancels in the ratio."""

    def columns(self, findings: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Adds K iterations to the averages.

        Args: findings: {tag: [K]}; the probe's `gradient/noise/<objective>/trace` and `…/square_norm` are used.
        Returns: {gradient/noise_scale/<objective>: [K]}; NaN in iterations without probes.
        """
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
        """The objective's noise scale with one more probed update; NaN, with the averages unchanged, for NaN."""
        if not (np.isfinite(trace) and np.isfinite(square)):
            return float("nan")
        old = self.averages.get(name, (0.0, 0.0))
        new = tuple(_DECAY * past + (1 - _DECAY) * float(x) for past, x in zip(old, (trace, square), strict=True))
        self.averages[name] = new
        return new[0] / new[1] if new[1] > 0 else float("nan")
