"""Nash-MTL: gradients as players who bargain for a step (Navon et al. 2022, arXiv:2202.01017)."""

import tensorflow as tf

from rl.settings import settings
from rl.updates.combiners.active_sets import solve_each
from rl.updates.combiners.combiner import Combiner
from rl.updates.combiners.cosine_matrix import unit_rows

_NEWTON_STEPS = 60
_SOLVED, _ROUNDING = 1e-9, 1e-15
_LARGEST = 1e7  # of a, where rows are opposite to 1e−7: beyond it 1 + c has no digits left


@settings
class NashMTL(Combiner):
    """The Nash bargaining solution: G w = 1/w, w > 0 (claim 3.2).

    Every row has the same g_i·w_i x = 1, so each counts alike whatever its length. The update's norm is always √k:
    nothing of the rows' lengths is left, and a step does not shrink as training ends. Where a combination of the rows
    vanishes (Pareto stationarity, a zero row) there is no solution, and the update is 0.
    """

    def weights(self, gramian, losses, state, seed):
        """See `Combiner.weights`."""
        return nash_mtl_weights(gramian), state


def nash_mtl_weights(gramian: tf.Tensor) -> tf.Tensor:
    """[k, k] → [k] float64.

    On unit rows C a = 1/a with a = w n. For two rows a = 1/√(1 + c). For more, a minimises the strictly convex
    ½ aᵀ C a − Σ log a, by Newton's method damped with 1/(1 + decrement) (Nesterov & Nemirovskii 1994: the function is
    self-concordant, so that this converges from anywhere).
    """
    unit = unit_rows(gramian)
    a = _two_rows(unit.cosines) if gramian.shape[-1] == 2 else _newton(unit.cosines)
    rest = tf.abs(a * tf.linalg.matvec(unit.cosines, a) - 1.0)
    settled = rest < _SOLVED + _ROUNDING * tf.reduce_sum(tf.square(a))
    solved = tf.reduce_all(settled & (a > 0) & (a < _LARGEST) & unit.nonzero)
    return tf.where(solved, a / tf.where(unit.nonzero, unit.norms, 1.0), 0.0)


def _two_rows(cosines: tf.Tensor) -> tf.Tensor:
    both = 1.0 + cosines[0]
    return tf.where(both[1] > 0, tf.math.rsqrt(tf.maximum(both[1], 1e-300)), 0.0) * tf.ones_like(both)


def _newton(cosines: tf.Tensor) -> tf.Tensor:
    def step(turn, a):
        gradient = tf.linalg.matvec(cosines, a) - 1.0 / a
        hessian = cosines + tf.linalg.diag(1.0 / tf.square(a))
        move = -solve_each(hessian[None], gradient[None, :, None])[0, :, 0]
        decrement = tf.sqrt(tf.maximum(-tf.reduce_sum(gradient * move), 0.0))
        length = tf.where(decrement < 0.25, tf.ones_like(decrement), 1.0 / (1.0 + decrement))
        return turn + 1, a + length * move

    return tf.while_loop(lambda turn, _: turn < _NEWTON_STEPS, step, (0, tf.ones_like(cosines[0])))[1]
