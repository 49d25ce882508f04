"""Sources: the data that a phase learns from, and how it is split into minibatches.

`Newest` uses the newest rollout, `Recent` the samples of the last few iterations, `Replay` draws from a ring of the
newest steps.
"""

from rl.sources.newest import Newest
from rl.sources.recent import Recent
from rl.sources.replay import Replay
from rl.sources.source import Orders, Source

__all__ = ["Newest", "Orders", "Recent", "Replay", "Source"]
