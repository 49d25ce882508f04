"""Policies' distributions as pure functions of their parameters.

A distribution turns the outputs of a policy head, [..., num_parameters], and noise of a fixed distribution into
actions. The noise of a whole rollout is drawn in one call beforehand, so that sampling an action is a deterministic
function of parameters and noise.
"""

from rl.distributions.categorical import Categorical
from rl.distributions.distribution import Distribution
from rl.distributions.gaussian import DiagonalGaussian

__all__ = ["Categorical", "DiagonalGaussian", "Distribution"]
