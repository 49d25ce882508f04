"""Policy distributions as pure functions of their parameters.

A distribution maps the outputs of a policy head, [..., num_parameters], and noise that does not depend on them to
actions. The noise of a whole rollout is drawn in one call beforehand, so sampling an action is a deterministic
function of parameters and noise.
"""

from rl.distributions.categorical import Categorical
from rl.distributions.deterministic import Deterministic
from rl.distributions.distribution import Distribution
from rl.distributions.gaussian import DiagonalGaussian
from rl.distributions.squashed import Squashed
from rl.distributions.tanh_gaussian import TanhGaussian

__all__ = ["Categorical", "Deterministic", "DiagonalGaussian", "Distribution", "Squashed", "TanhGaussian"]
