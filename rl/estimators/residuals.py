"""One-step TD losses whose gradient flows, wholly or in part, through the bootstrap target.

With δ = r + γ v̄(s') − v(s) and a factor κ that is held constant, they have the gradient

    g = −δ ∇v(s) + γ κ ∇v̄(s')

κ = 0 is the semi-gradient (Sutton 1988), κ = η δ Baird's residual algorithm (1995; η = 1 the residual gradient), and
κ = h(s), an estimate of E[δ | s], TD with gradient correction (Sutton et al. 2009). The second term is a gradient with
respect to the weights of v̄: if they belong to a frozen copy, the tape has to watch the copy. Every loss has the value
½ δ² whatever κ is; only the gradients differ.

All arrays are [B] float. discount is γ, or 0 where the episode terminated, which removes the successor's value and its
gradient, even if that value is not finite.
"""

import tensorflow as tf

from rl.estimators.recurrence import cut


def residual_loss(v_tm1: tf.Tensor, reward: tf.Tensor, discount: tf.Tensor, v_t: tf.Tensor, *, eta: float) -> tf.Tensor:
    """½ δ², with the gradient −δ ∇v_tm1 + η γ δ ∇v_t: Baird's residual algorithm (Baird 1995).

    An unbiased gradient of the mean squared Bellman error needs two independent successors of each state (Baird 1995).
    Only one is sampled here: with random transitions and η > 0 the variance of the successor's value is minimised too.

    Args:
        v_tm1, v_t: [B], the values of a step's observation and of its successor.
        reward, discount: [B], constants.
        eta: η in [0, 1], 0 for the semi-gradient, 1 for the residual gradient.
    Returns: [B]; gradients flow to v_tm1 and v_t.
    """
    kappa = eta * td_error(v_tm1, reward, discount, v_t)
    return _with_correction(v_tm1, reward, discount, v_t, kappa)


def gradient_correction_loss(
    v_tm1: tf.Tensor, reward: tf.Tensor, discount: tf.Tensor, v_t: tf.Tensor, h_tm1: tf.Tensor
) -> tf.Tensor:
    """½ δ², with the gradient −δ ∇v_tm1 + γ h ∇v_t: TDC (Sutton et al. 2009).

    Args:
        v_tm1, reward, discount, v_t: [B], as in `residual_loss`.
        h_tm1: [B], an estimate of the expected TD error E[δ | s] at the step's observation; no gradient flows to it.
    Returns: [B]; gradients flow to v_tm1 and v_t.
    """
    return _with_correction(v_tm1, reward, discount, v_t, h_tm1)


def td_error(v_tm1: tf.Tensor, reward: tf.Tensor, discount: tf.Tensor, v_t: tf.Tensor) -> tf.Tensor:
    """The one-step TD error δ = r + γ v_t − v_tm1, [B]; no gradient flows through it."""
    return tf.stop_gradient(reward + discount * cut(v_t, discount) - v_tm1)


def _with_correction(v_tm1, reward, discount, v_t, kappa) -> tf.Tensor:
    """½ δ² with the gradient −δ ∇v_tm1 + γ κ ∇v_t, [B].

    It is a quadratic in v_tm1 plus a term of value 0 whose gradient is γ κ ∇v_t.
    """
    target = tf.stop_gradient(reward + discount * cut(v_t, discount))
    factor = tf.stop_gradient(discount * kappa)
    v_t = cut(v_t, factor)
    return 0.5 * tf.square(v_tm1 - target) + factor * (v_t - tf.stop_gradient(v_t))
