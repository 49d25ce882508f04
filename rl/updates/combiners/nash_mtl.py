"""Nash-MTL: multi-task learning as a bargaining game (Navon et al. 2022, arXiv:2202.01017)."""

import tensorflow as tf

from rl.settings import settings
from rl.updates.combiners.active_sets import solve_each
from rl.updates.combiners.combiner import Combiner
from rl.updates.combiners.cosine_matrix import unit_rows

_NEWTON_STEPS = 60
_SOLVED, _ROUNDING = 1e-9, 1e-15
_LARGEST = 1e7  # the bound on a, reached by rows that are opposite to within 1e−7: beyond it 1 + c has no digits left


@settings
class NashMTL(Combiner):
    """The Nash bargaining solution of the rows: the direction that maximises Σ_i log g_i·x, at norm √k.

    G w = 1/w, w > 0    (claim 3.2)

    Hence w_i g_i·x = 1 for every row, whatever its norm. |x| = √k however short the rows are, so steps do not
    shrink as training converges. If a convex combination of the rows is 0 (Pareto stationarity, a zero row), there is
    no solution, and the update is 0.
    """

    def weights(self, gramian, losses, state, seed):
        """`nash_mtl_weights` of the Gramian; see `Combiner.weights`."""
        return nash_mtl_weights(gramian), state


def nash_mtl_weights(gramian: tf.Tensor) -> tf.Tensor:
    """The solution of G w = 1/w, as w = a/n with C a = 1/a.

    For two rows with cosine c, a = 1/√(1 + c). For more rows a minimises the strictly convex ½ aᵀ C a − Σ_i log a_i, by
    Newton's method damped with 1/(1 + decrement), which converges from every start since the function is
    self-concordant (Nesterov & Nemirovskii 1994).

    Args: gramian: G, [k, k] float.
    Returns: [k] float64; 0 if C a = 1/a is not solved to 1e−9.
    """
    unit = unit_rows(gramian)
    a = _two_rows(unit.cosines) if gramian.shape[-1] == 2 else _newton(unit.cosines)
    rest = tf.abs(a * tf.linalg.matvec(unit.cosines, a) - 1.0)
    settled = rest < _SOLVED + _ROUNDING * tf.reduce_sum(tf.square(a))
    solved = tf.reduce_all(settled & (a > 0) & (a < _LARGEST) & unit.nonzero)
    return tf.where(solved, a / tf.where(unit.nonzero, unit.norms, 1.0), 0.0)


def _two_rows(cosines: tf.Tensor) -> tf.Tensor:
    """a = 1/√(1 + c) for both rows, [2]; 0 if they are opposite."""
    both = 1.0 + cosines[0]
    return tf.where(both[1] > 0, tf.math.rsqrt(tf.maximum(both[1], 1e-300)), 0.0) * tf.ones_like(both)


def _newton(cosines: tf.Tensor) -> tf.Tensor:
    """The minimiser a of ½ aᵀ C a − Σ_i log a_i after 60 damped Newton steps from a = 1, [k]."""

    def step(turn, a):
        gradient = tf.linalg.matvec(cosines, a) - 1.0 / a
        hessian = cosines + tf.linalg.diag(1.0 / tf.square(a))
        move = -solve_each(hessian[None], gradient[None, :, None])[0, :, 0]
        decrement = tf.sqrt(tf.maximum(-tf.reduce_sum(gradient * move), 0.0))
        length = tf.where(decrement < 0.25, tf.ones_like(decrement), 1.0 / (1.0 + decrement))
        return turn + 1, a + length * move

    return tf.while_loop(lambda turn, _: turn < _NEWTON_STEPS, step, (0, tf.ones_like(cosines[0])))[1]
