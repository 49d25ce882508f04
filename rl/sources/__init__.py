"""Sources: the data that a phase learns from, and how it is split into minibatches.

`Newest` uses the newest rollout, `Recent` the samples of the last few iterations, `Replay` draws from a ring of the
newest steps, uniformly or, as `PrioritizedReplay`, in proportion to their errors.
"""

from rl.sources.newest import Newest
from rl.sources.prioritized import PrioritizedReplay, Proportional
from rl.sources.recent import Recent
from rl.sources.replay import Replay, Uniform
from rl.sources.source import Memory, Orders, Source
from rl.sources.windows import Windows

__all__ = [
    "Memory",
    "Newest",
    "Orders",
    "PrioritizedReplay",
    "Proportional",
    "Recent",
    "Replay",
    "Source",
    "Uniform",
    "Windows",
]
