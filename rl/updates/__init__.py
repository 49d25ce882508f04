"""Explicit update rules: how gradients move weights, in code that anyone can read."""

from rl.updates.rule import Direction, RuleState, Step, UpdateRule, apply_step

__all__ = ["Direction", "RuleState", "Step", "UpdateRule", "apply_step"]
