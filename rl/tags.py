"""The tags that a run logs, and how the numbers of several iterations become one. TensorFlow is not needed.

The files that make the tags need TensorFlow, and reports do not load it; so the declarations stand here, by maker.
"""

import functools
import re
from collections.abc import Mapping

from rl.reductions import LAST, MAXIMUM, MEAN, MINIMUM, RATE, SUM, Reduction

_PER_EPISODE = MEAN.by("episode/count")
_PER_UPDATE = MEAN.by("update/taken")

_REDUCTIONS: Mapping[str, Reduction] = {
    # rl/learning/episodes.py, by rl/learning/learner.py: figures of the episodes that ended in an iteration
    r"episode/(return|length)": _PER_EPISODE,
    r"episode/return_min": MINIMUM,
    r"episode/return_max": MAXIMUM,
    r"episode/count": SUM,
    # rl/learning/learner.py and rl/agents/: once an iteration, of a rollout of always the same size
    r"value/.+": MEAN,
    # rl/learning/learner.py and rl/agents/: means over the updates of an iteration
    r"objective/.+": _PER_UPDATE,
    r"policy/.+": _PER_UPDATE,
    r"update/(gradient_norm|clip_ratio|learning_rate|row_weight/.+)": _PER_UPDATE,
    r"gradient/(group_norm|group_cosine)/.+": _PER_UPDATE,
    r"update/(count|taken)": SUM,
    # rl/instruments/noise_scales.py: a running average already
    r"gradient/noise_scale/.+": LAST,
    # rl/gradients/probes/ and rl/instruments/oracle.py: one update of a probed iteration
    r"gradient/(null_band|norm|head_norm|norm_ratio|cosine|conflict|weighted_norm)(/.+)?": MEAN,
    r"gradient/(combined_norm|clipped_norm)": MEAN,
    r"gradient/(cross_batch|curvature|features|interference|noise|snr|gsnr|stale|through_target|oracle)/.+": MEAN,
    r"update/(change|share|cosine|measured_change|whole_change|ratio)/.+": MEAN,
    r"update/applied_norm": MEAN,
    r"(frozen|representation|weights)/.+": MEAN,
    # rl/runs/log.py
    r"evaluation/.+": LAST,
    r"time/wall_seconds": LAST,
    r"time/steps_per_second": RATE,
}
"""{pattern of a whole tag: its reduction}; no tag has two."""


def declared(tag: str) -> list[Reduction]:
    """The reductions whose pattern is the tag's: one, for every tag of this package."""
    return [reduction for pattern, reduction in _REDUCTIONS.items() if re.fullmatch(pattern, tag)]


@functools.cache
def reduction(tag: str) -> Reduction:
    """How a tag is put together over iterations; a tag that an agent or a probe from elsewhere logs is averaged."""
    return (declared(tag) or [MEAN])[0]
