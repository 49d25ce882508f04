"""What a phase learns from."""

from rl.sources.newest import Newest

__all__ = ["Newest"]
