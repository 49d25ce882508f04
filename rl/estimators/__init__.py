"""Pure functions of tensors: returns, advantages, losses, and averages over valid samples.

Arrays along trajectories are time-major, [T, B], with letters as in `returns`. Losses have one entry per sample, [B].
"""

from rl.estimators.advantages import gae
from rl.estimators.averages import explained_variance, masked_mean, masked_variance, standardize
from rl.estimators.clipped_surrogate import approximate_kl, clip_fraction, clipped_surrogate_loss
from rl.estimators.discounts import discounts
from rl.estimators.n_step_transitions import NStep, n_step_transitions
from rl.estimators.policy_gradient import policy_gradient_loss
from rl.estimators.residuals import gradient_correction_loss, residual_loss, td_error
from rl.estimators.retrace import retrace
from rl.estimators.returns import discounted_returns, lambda_returns, n_step_returns
from rl.estimators.value_losses import clipped_value_loss, huber_value_loss, squared_value_loss
from rl.estimators.vtrace import VTrace, vtrace

__all__ = [
    "NStep",
    "VTrace",
    "approximate_kl",
    "clip_fraction",
    "clipped_surrogate_loss",
    "clipped_value_loss",
    "discounted_returns",
    "discounts",
    "explained_variance",
    "gae",
    "gradient_correction_loss",
    "huber_value_loss",
    "lambda_returns",
    "masked_mean",
    "masked_variance",
    "n_step_returns",
    "n_step_transitions",
    "policy_gradient_loss",
    "residual_loss",
    "retrace",
    "squared_value_loss",
    "standardize",
    "td_error",
    "vtrace",
]
