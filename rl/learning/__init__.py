"""What learning is, pure: collecting, the learner, normalization, the state, and the compiled programs."""

from rl.learning.normalization import Normalizer

__all__ = ["Normalizer"]
