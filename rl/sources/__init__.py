"""What a phase learns from."""

from rl.sources.newest import Newest
from rl.sources.recent import Recent
from rl.sources.source import Source

__all__ = ["Newest", "Recent", "Source"]
