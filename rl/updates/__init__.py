"""Explicit update rules: combiner, clipping, optimizer and assignment, each in a short file.

Nothing else moves live weights.
"""

from rl.updates.applying import apply_step
from rl.updates.rule import UpdateRule
from rl.updates.steps import Direction, RuleState, Step

__all__ = ["Direction", "RuleState", "Step", "UpdateRule", "apply_step"]
