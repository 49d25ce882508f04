"""Eigenvalues of small symmetric matrices to float64 precision, in eager mode, in graphs and in XLA programs."""

import itertools

import tensorflow as tf

_SWEEPS = 10  # convergence is quadratic; six sweeps reach rounding for k <= 6


def symmetric_eigen(matrix: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The eigendecomposition M = V diag(λ) Vᵀ by cyclic Jacobi rotations (Golub & Van Loan 2013, section 8.5).

    XLA's own `eigh` stops at a relative error of 1e−7, even in float64.

    Args: matrix: M, [k, k] float64, symmetric; ten sweeps are enough for k ≤ 6.
    Returns: (λ [k] in no particular order, V [k, k] with the eigenvectors in its columns).
    """
    size = matrix.shape[-1]

    def sweep(turn, a, vectors):
        """One rotation for every pair of axes."""
        for p, q in itertools.combinations(range(size), 2):
            a, vectors = _rotate(a, vectors, p, q)
        return turn + 1, a, vectors

    identity = tf.eye(size, dtype=matrix.dtype)
    _, diagonal, vectors = tf.while_loop(lambda turn, *_: turn < _SWEEPS, sweep, (0, matrix, identity))
    return tf.linalg.diag_part(diagonal), vectors


def _rotate(a: tf.Tensor, vectors: tf.Tensor, p: int, q: int) -> tuple[tf.Tensor, tf.Tensor]:
    """One Jacobi rotation R in the plane (p, q): (Rᵀ a R, vectors R), with entry (p, q) zeroed; [k, k] each."""
    size, zero, one = a.shape[-1], tf.zeros((), a.dtype), tf.ones((), a.dtype)
    off = a[p, q]
    active = tf.abs(off) > 0
    tau = (a[q, q] - a[p, p]) / (2.0 * tf.where(active, off, one))
    tangent = tf.where(tau >= 0, one, -one) / (tf.abs(tau) + tf.sqrt(1.0 + tau * tau))
    tangent = tf.where(active, tangent, zero)
    cosine = tf.math.rsqrt(1.0 + tangent * tangent)
    sine = tangent * cosine
    e_p, e_q = tf.one_hot(p, size, dtype=a.dtype), tf.one_hot(q, size, dtype=a.dtype)
    within = (cosine - 1.0) * (_outer(e_p, e_p) + _outer(e_q, e_q)) + sine * (_outer(e_p, e_q) - _outer(e_q, e_p))
    rotation = tf.eye(size, dtype=a.dtype) + within
    return tf.transpose(rotation) @ a @ rotation, vectors @ rotation


def _outer(u: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
    """u vᵀ, [k, k]."""
    return u[:, None] * v[None, :]
