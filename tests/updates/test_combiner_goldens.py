"""The combiners against exact answers for 22 small Jacobians, eagerly and inside XLA programs."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from rl.updates.combiners import (
    IMTLG,
    MGDA,
    ConFIG,
    Mean,
    Sum,
    config_weights,
    imtl_g_weights,
    mgda_weights,
    pcgrad_weights,
)

CASES = json.loads(Path(__file__).with_name("combiner_cases.json").read_text())["cases"]
COMBINERS = {
    "sum": Sum(scope="global", row_weights=None),
    "mean": Mean(scope="global"),
    "mgda": MGDA(scope="global"),
    "imtl_g": IMTLG(scope="global"),
    "config": ConFIG(scope="global"),
}

# Two float64 routes to one small answer agree to some 1e-15 times the condition number of the rows' cosine matrix,
# which stays below 1e3 in these cases; 1e-11 of the largest entry leaves room for another machine's order of summation.
TOLERANCE = 1e-11


def _weights(name):
    def weights(gramian):
        losses = tf.zeros(gramian.shape[0], tf.float64)
        return COMBINERS[name].weights(gramian, losses, (), tf.constant([0, 0]))[0]

    return weights


EAGER = {name: _weights(name) for name in COMBINERS} | {"pcgrad": pcgrad_weights}
COMPILED = {name: tf.function(function, jit_compile=True) for name, function in EAGER.items()}


def _check(case, weights, expected):
    jacobian = np.array(case["jacobian"])
    update = jacobian.T @ weights.numpy()
    np.testing.assert_allclose(update, expected, rtol=0, atol=TOLERANCE * np.abs(jacobian).max())


@pytest.mark.parametrize("functions", [EAGER, COMPILED], ids=["eager", "xla"])
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
@pytest.mark.parametrize("rule", COMBINERS)
def test_update_is_that_of_the_exact_weights(rule, case, functions):
    weights = functions[rule](tf.constant(case["gramian"], tf.float64))
    expected = np.array(case["jacobian"]).T @ np.array(case["results"][rule]["exact_weights"])
    _check(case, weights, expected)


@pytest.mark.parametrize("functions", [EAGER, COMPILED], ids=["eager", "xla"])
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_pcgrad_update_is_the_librarys_for_the_same_orders(case, functions):
    orders = tf.constant(case["results"]["pcgrad"]["orders"])
    weights = functions["pcgrad"](tf.constant(case["gramian"], tf.float64), orders)
    _check(case, weights, case["results"]["pcgrad"]["library"])


def test_stored_gramians_are_those_of_the_stored_jacobians():
    for case in CASES:
        jacobian = np.array(case["jacobian"])
        # One matrix product in float64, summed in either order.
        np.testing.assert_allclose(jacobian @ jacobian.T, case["gramian"], rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("num_rows", [2, 3])
@pytest.mark.parametrize("rule", [mgda_weights, imtl_g_weights, config_weights])
def test_xla_program_takes_the_gramian_as_a_parameter(rule, num_rows):
    """Where XLA takes the Gramian for a compile-time constant instead, every new Gramian is compiled anew."""
    compiled = tf.function(rule, jit_compile=True)
    gramian = tf.eye(num_rows, dtype=tf.float64)
    program = compiled.experimental_get_compiler_ir(gramian)(stage="hlo")
    assert f"entry_computation_layout={{(f64[{num_rows},{num_rows}]" in program.splitlines()[0]
