"""The tags that a run logs, and the reduction that combines each over several iterations.

They are declared here and not where they are computed, since those modules import TensorFlow and reports do not.
The agent names objectives, groups, layers and heads: in their places a pattern matches any name.
"""

import functools
import re
from collections.abc import Mapping

from rl.reductions import LAST, MAXIMUM, MEAN, MINIMUM, RATE, SUM, Reduction

_PER_EPISODE = MEAN.by("episode/count")
"""The mean over episodes, from iterations with different numbers of them."""
_PER_UPDATE = MEAN.by("update/taken")
"""The mean over updates, from iterations with different numbers of them."""
_HEAD = "(?!objective/)[^/]+"
"""Any head, but not `objective`: an objective may have the name of a head's diagnostic, as in `objective/entropy`."""

_REDUCTIONS: Mapping[str, Reduction] = {
    # rl/learning/episodes.py, by rl/learning/learner.py: figures of the episodes that ended in an iteration
    r"episode/(return|length)": _PER_EPISODE,
    r"episode/return_min": MINIMUM,
    r"episode/return_max": MAXIMUM,
    r"episode/count": SUM,
    # rl/learning/learner.py and rl/agents/: diagnostics of a head from a rollout, whose size is always the same
    rf"{_HEAD}/(explained_variance|mean|target_mean|reward_mean)": MEAN,
    # rl/learning/rounds.py and rl/agents/: means over the updates of an iteration, among them diagnostics of a head
    r"objective/.+": _PER_UPDATE,
    rf"{_HEAD}/(entropy|kl|clip_fraction|temperature|kl_mean|kl_std|weight_kl)": _PER_UPDATE,
    r"update/(gradient_norm|clip_ratio|learning_rate)(/.+)?": _PER_UPDATE,
    r"(update/row_weight|gradient/group_norm|gradient/group_cosine)/.+": _PER_UPDATE,
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
"""{regular expression of a whole tag: its reduction}; no tag of this package matches two."""


def declared(tag: str) -> list[Reduction]:
    """The reductions whose pattern matches the tag: exactly one for every tag of this package, none for other tags."""
    return [reduction for pattern, reduction in _REDUCTIONS.items() if re.fullmatch(pattern, tag)]


@functools.cache
def reduction(tag: str) -> Reduction:
    """The reduction that combines a tag over iterations; an undeclared tag, of a user's agent or probe, is averaged."""
    return (declared(tag) or [MEAN])[0]
