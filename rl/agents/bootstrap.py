"""The choices of `agent/bootstrap`: the bootstrap target of the value's objective, and the gradient through it."""

from rl.agents.gradient_correction import GradientCorrection
from rl.agents.residual import Residual
from rl.agents.semi_gradient import SemiGradient

Bootstrap = SemiGradient | Residual | GradientCorrection
"""The choices of `agent/bootstrap`."""
