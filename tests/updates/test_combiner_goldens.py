"""The combiners against exact answers for 22 small Jacobians, eagerly and inside XLA programs."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from rl.updates.combiners import (
    IMTLG,
    MGDA,
    AlignedMTL,
    CAGrad,
    ConFIG,
    DualProj,
    Mean,
    NashMTL,
    Sum,
    UPGrad,
    aligned_mtl_weights,
    cagrad_weights,
    config_weights,
    dual_proj_weights,
    gradvac_weights,
    imtl_g_weights,
    mgda_weights,
    nash_mtl_weights,
    pcgrad_weights,
    upgrad_weights,
)

CASES = json.loads(Path(__file__).with_name("combiner_cases.json").read_text())["cases"]
COMBINERS = {
    "sum": Sum(scope="global", row_weights=None),
    "mean": Mean(scope="global"),
    "mgda": MGDA(scope="global"),
    "imtl_g": IMTLG(scope="global"),
    "config": ConFIG(scope="global"),
    "upgrad": UPGrad(scope="global", preference=None),
    "dual_projection": DualProj(scope="global", preference=None),
    "cagrad_c_0.0": CAGrad(scope="global", c=0.0),
    "cagrad_c_0.4": CAGrad(scope="global", c=0.4),
    "cagrad_c_0.9": CAGrad(scope="global", c=0.9),
    "nash_mtl": NashMTL(scope="global"),
    "aligned_mtl": AlignedMTL(scope="global"),
}

# Two float64 routes to one small answer agree to some 1e-15 times the condition number of the rows' cosine matrix,
# which stays below 1e3 in these cases; 1e-11 of the largest entry leaves room for another machine's order of summation.
TOLERANCE = 1e-11
# The stored weights of CAGrad and Nash-MTL come from iterations, and ours agree with them to this.
OF_ITERATIONS = 1e-6


def _weights(name):
    def weights(gramian):
        losses = tf.zeros(gramian.shape[0], tf.float64)
        return COMBINERS[name].weights(gramian, losses, (), tf.constant([0, 0]))[0]

    return weights


NOT_STORED = {("nash_mtl", "2x3_all_zero"), ("imtl_g", "2x3_all_zero")}  # where the public library raises

EAGER = {name: _weights(name) for name in COMBINERS} | {
    "pcgrad": pcgrad_weights,
    "upgrad_preference": upgrad_weights,
    "gradvac": lambda gramian, orders, phi: gradvac_weights(gramian, orders, phi, beta=0.5),  # the library's default
}
COMPILED = {name: tf.function(function, jit_compile=True, autograph=False) for name, function in EAGER.items()}


def _check(case, weights, expected, tolerance=TOLERANCE):
    jacobian = np.array(case["jacobian"])
    update = jacobian.T @ weights.numpy()
    np.testing.assert_allclose(update, expected, rtol=0, atol=tolerance * np.abs(jacobian).max())


@pytest.mark.parametrize("functions", [EAGER, COMPILED], ids=["eager", "xla"])
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
@pytest.mark.parametrize("rule", COMBINERS)
def test_update_is_that_of_the_exact_weights(rule, case, functions):
    if "exact_weights" not in case["results"].get(rule, {}):
        assert (rule, case["name"]) in NOT_STORED
        return
    weights = functions[rule](tf.constant(case["gramian"], tf.float64))
    expected = np.array(case["jacobian"]).T @ np.array(case["results"][rule]["exact_weights"])
    _check(case, weights, expected, OF_ITERATIONS if rule.startswith(("nash", "cagrad")) else TOLERANCE)


@pytest.mark.parametrize("functions", [EAGER, COMPILED], ids=["eager", "xla"])
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_pcgrad_update_is_the_librarys_for_the_same_orders(case, functions):
    orders = tf.constant(case["results"]["pcgrad"]["orders"])
    weights = functions["pcgrad"](tf.constant(case["gramian"], tf.float64), orders)
    _check(case, weights, case["results"]["pcgrad"]["library"])


@pytest.mark.parametrize("functions", [EAGER, COMPILED], ids=["eager", "xla"])
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_upgrads_preference(case, functions):
    result = case["results"]["upgrad_preference_1_to_m"]
    preference = [float(share) for share in range(1, len(case["jacobian"]) + 1)]
    weights = functions["upgrad_preference"](tf.constant(case["gramian"], tf.float64), preference)
    _check(case, weights, np.array(case["jacobian"]).T @ np.array(result["exact_weights"]))


@pytest.mark.parametrize("functions", [EAGER, COMPILED], ids=["eager", "xla"])
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_gradvac_over_two_calls_is_the_librarys_for_the_same_orders(case, functions):
    gramian, num_rows = tf.constant(case["gramian"], tf.float64), len(case["jacobian"])
    phi = tf.zeros((num_rows, num_rows), tf.float64)
    for call in ("gradvac_first_call", "gradvac_second_call_same_jacobian"):
        result = case["results"][call]
        orders = tf.constant([[*order, i] for i, order in enumerate(result["orders"])])  # each meets itself last
        weights, phi = functions["gradvac"](gramian, orders, phi)
        opposite = (
            case["name"] == "2x3_opposite"
        )  # by hand: row i plus n_i/n_j of row j vanishes; the library is 1e-5 off
        expected = np.zeros(3) if opposite else result["library"]
        # Where the two coincide, the library's GradVac and its own PCGrad are 1e-9 apart.
        _check(case, weights, expected, 1e-7)
        np.testing.assert_allclose(phi, result["phi_after"], rtol=0, atol=1e-7)


def test_stored_gramians_are_those_of_the_stored_jacobians():
    for case in CASES:
        jacobian = np.array(case["jacobian"])
        # One matrix product in float64, summed in either order.
        np.testing.assert_allclose(jacobian @ jacobian.T, case["gramian"], rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("num_rows", [2, 3])
@pytest.mark.parametrize(
    "rule",
    [
        mgda_weights,
        imtl_g_weights,
        config_weights,
        upgrad_weights,
        dual_proj_weights,
        lambda gramian: cagrad_weights(gramian, c=0.4),
        nash_mtl_weights,
        aligned_mtl_weights,
    ],
)
def test_xla_program_takes_the_gramian_as_a_parameter(rule, num_rows):
    """Where XLA takes the Gramian for a compile-time constant instead, every new Gramian is compiled anew."""

    @tf.function(jit_compile=True, autograph=False)
    def compiled(gramian):
        """The rule of a Gramian alone: its defaults would be inputs of the program."""
        return rule(gramian)

    gramian = tf.eye(num_rows, dtype=tf.float64)
    program = compiled.experimental_get_compiler_ir(gramian)(stage="hlo")
    assert f"entry_computation_layout={{(f64[{num_rows},{num_rows}]" in program.splitlines()[0]
