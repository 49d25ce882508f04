"""Learning as pure functions: rollouts, normalisation, updates and their state; and the programs compiled from them.

A *run* trains one seed. S runs with different seeds or hyperparameters can train in one program, along an axis of runs.
"""

from rl.learning.normalization import Normalizer

__all__ = ["Normalizer"]
