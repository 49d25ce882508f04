"""Eigenvalues of small symmetric matrices against LAPACK's."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rl.updates.combiners.eigen import symmetric_eigen

GRAPH = tf.function(symmetric_eigen, autograph=False)
COMPILED = tf.function(symmetric_eigen, jit_compile=True, autograph=False)
FUNCTIONS = pytest.mark.parametrize("function", [GRAPH, COMPILED], ids=["graph", "xla"])

# Both Jacobi's and LAPACK's eigenvalues of a k x k matrix are off by a few k times float64's 2.2e-16, relative to the
# largest eigenvalue; 1e-13 leaves a factor of about a hundred for k = 6.
TOLERANCE = 1e-13
# TensorFlow flushes numbers below 2.2e-308 to zero, at each of some hundred operations.
UNDERFLOW = 1e-305


def _symmetric(seed, size):
    matrix = np.random.default_rng(seed).normal(size=(size, size))
    return matrix + matrix.T


def _rotated(eigenvalues):
    basis, _ = np.linalg.qr(np.random.default_rng(7).normal(size=(len(eigenvalues), len(eigenvalues))))
    matrix = (basis * np.array(eigenvalues)) @ basis.T
    return (matrix + matrix.T) / 2


MATRICES = {
    **{f"random_{size}": _symmetric(size, size) for size in range(1, 7)},
    "zero": np.zeros((3, 3)),
    "identity": np.eye(4),
    "all_equal": np.full((5, 5), 2.0),
    "opposite_unit_rows": np.array([[1.0, -1.0], [-1.0, 1.0]]),
    "equal_diagonal": np.array([[1.0, 0.5, 0.5], [0.5, 1.0, 0.5], [0.5, 0.5, 1.0]]),
    "permutation": np.eye(4)[[1, 0, 3, 2]],
    "double": _rotated([1.0, 1.0, 3.0, 3.0, 5.0]),
    "singular": _rotated([0.0, 0.0, 1e-3, 1.0]),
    "indefinite": _rotated([-2.0, -1.0, 1.0, 2.0, 4.0, 4.0]),
    "wide_range": _rotated([1e-12, 1e-6, 1.0]),
    "nearly_diagonal": np.array([[1.0, 1e-200, 0.0], [1e-200, 2.0, 1e-9], [0.0, 1e-9, 2.0]]),
    "tiny": 1e-140 * _symmetric(0, 3),
    "huge": 1e140 * _symmetric(0, 3),
}


def _check(function, matrix):
    eigenvalues, vectors = (tensor.numpy() for tensor in function(tf.constant(matrix, tf.float64)))
    allowed = TOLERANCE * np.abs(np.linalg.eigvalsh(matrix)).max() + UNDERFLOW
    np.testing.assert_allclose(np.sort(eigenvalues), np.linalg.eigvalsh(matrix), rtol=0, atol=allowed)
    np.testing.assert_allclose((vectors * eigenvalues) @ vectors.T, matrix, rtol=0, atol=allowed)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(len(matrix)), rtol=0, atol=TOLERANCE)


@FUNCTIONS
@pytest.mark.parametrize("name", MATRICES)
def test_decomposition_agrees_with_lapack(name, function):
    _check(function, MATRICES[name])


@FUNCTIONS
@given(data=st.data())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_decomposition_of_any_symmetric_matrix_agrees_with_lapack(function, data):
    size = data.draw(st.integers(2, 6))
    matrix = data.draw(arrays.arrays(np.float64, (size, size), elements=st.floats(-1e3, 1e3)))
    _check(function, (matrix + matrix.T) / 2)


def test_eager_values_are_those_of_the_graph():
    matrix = tf.constant(MATRICES["indefinite"])
    for eager, graph in zip(symmetric_eigen(matrix), GRAPH(matrix), strict=True):
        # The same operations on the same numbers; only a fused kernel could round another way.
        np.testing.assert_allclose(eager, graph, rtol=0, atol=TOLERANCE * 4.0)


@pytest.mark.parametrize("function", [symmetric_eigen, COMPILED], ids=["eager", "xla"])
def test_eigenvalues_of_two_rows_by_hand(function):
    # det([[2 − λ, 1], [1, 2 − λ]]) = (2 − λ)² − 1 = 0 at λ = 1, along (1, −1)/√2, and at λ = 3, along (1, 1)/√2.
    eigenvalues, vectors = function(tf.constant([[2.0, 1.0], [1.0, 2.0]], tf.float64))
    order = np.argsort(eigenvalues)
    np.testing.assert_allclose(np.array(eigenvalues)[order], [1.0, 3.0], rtol=TOLERANCE)
    half = np.sqrt(0.5)
    np.testing.assert_allclose(np.abs(vectors.numpy()[:, order]), [[half, half], [half, half]], rtol=TOLERANCE)
    np.testing.assert_allclose(np.prod(vectors.numpy()[:, order], axis=0), [-0.5, 0.5], rtol=TOLERANCE)
