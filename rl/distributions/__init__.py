"""Policies' distributions as pure functions of their parameters.

A distribution turns the parameters that a policy head puts out, [..., num_parameters], and noise of a fixed law into
actions. Noise comes first (one call for a whole rollout), so that drawing an action is a deterministic function.
"""

from rl.distributions.categorical import Categorical
from rl.distributions.distribution import Distribution
from rl.distributions.gaussian import DiagonalGaussian

__all__ = ["Categorical", "DiagonalGaussian", "Distribution"]
