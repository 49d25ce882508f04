"""Generalised advantage estimates: by hand, by definition, by identity, and without leaks."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rl.estimators import discounted_returns, discounts, gae, lambda_returns

# Rewards and values are at most 10, γ at most 1 and T at most 7: no partial sum exceeds 7·30 = 210, and every one of
# the fewer than 50 operations rounds by at most half of 2⁻²³ of that.
ATOL = 50 * 210 * 2.0**-24
MODES = {"eager": lambda f: f, "compiled": lambda f: tf.function(f, jit_compile=True, autograph=False)}


@pytest.fixture(params=list(MODES))
def estimate(request):
    return MODES[request.param](gae)


def column(*numbers):
    return tf.constant(numbers, tf.float32)[:, None]


def with_successors(v_tm1, final, ended):
    """v_t: the value of the next step's observation; of the final observation where the episode or the batch ends."""
    last = np.arange(len(ended))[:, None] == len(ended) - 1
    return np.where(ended | last, final, np.roll(v_tm1, -1, 0))


@st.composite
def trajectories(draw):
    """(r_t, v_tm1, v_t, terminated, truncated), [T, B]."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=7))
    r, v, final = (draw(hnp.arrays(np.float32, shape, elements=st.floats(-10, 10, width=32))) for _ in range(3))
    end = draw(hnp.arrays(np.int8, shape, elements=st.sampled_from([0, 0, 0, 1, 2, 3])))
    return r, v, with_successors(v, final, end > 0), end % 2 == 1, end >= 2


rates = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1, width=32))


def by_definition(r, v_tm1, v_t, terminated, truncated, gamma, lambda_):
    """Σ_k (γλ)^k δ_{t+k}, up to the episode's last step."""
    r, v_tm1, v_t = (x.astype(np.float64) for x in (r, v_tm1, v_t))
    delta = r + np.where(terminated, 0.0, gamma * v_t) - v_tm1
    result = np.zeros_like(r)
    for t in range(len(r)):
        for b in range(r.shape[1]):
            for k in range(t, len(r)):
                result[t, b] += (gamma * lambda_) ** (k - t) * delta[k, b]
                if terminated[k, b] or truncated[k, b]:
                    break
    return result


def test_by_hand(estimate):
    """γ = λ = ½, v = (2, 4, 8), then 16. δ = (1 + 2 − 2, 1 + 4 − 4, 1 + 8 − 8) = 1: A = (1 + ¼·1¼, 1 + ¼, 1)."""
    half = column(0.5, 0.5, 0.5)
    a = estimate(column(1, 1, 1), half, column(2, 4, 8), column(4, 8, 16), half)
    np.testing.assert_array_equal(a[:, 0], [1.3125, 1.25, 1.0])


def test_ends_by_hand(estimate):
    """An end at step 1, γ = λ = ½: δ_1 = 1 − 4 = −3 if terminated, 1 + ½·6 − 4 = 0 if truncated; A_0 = 1 + ¼ δ_1."""
    no, at_1 = column(0, 0, 0) > 0, column(0, 1, 0) > 0
    for terminated, truncated, expected in ((at_1, no, [0.25, -3, 1]), (no, at_1, [1, 0, 1])):
        discount_t, lambda_t = discounts(terminated, truncated, gamma=0.5, lambda_=0.5)
        a = estimate(column(1, 1, 1), discount_t, column(2, 4, 8), column(4, 6, 16), lambda_t)
        np.testing.assert_array_equal(a[:, 0], expected)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(trajectories(), rates, rates)
def test_equals_its_definition_and_the_returns_less_the_value(trajectory, gamma, lambda_):
    r, v_tm1, v_t, terminated, truncated = trajectory
    discount_t, lambda_t = discounts(terminated, truncated, gamma=gamma, lambda_=lambda_)
    _, one = discounts(terminated, truncated, gamma=gamma, lambda_=1.0)
    a = gae(r, discount_t, v_tm1, v_t, lambda_t)
    np.testing.assert_allclose(a, by_definition(*trajectory, gamma, lambda_), rtol=0, atol=ATOL)
    np.testing.assert_allclose(a + v_tm1, lambda_returns(r, discount_t, v_t, lambda_t), rtol=0, atol=2 * ATOL)
    full = gae(r, discount_t, v_tm1, v_t, one)
    np.testing.assert_allclose(full + v_tm1, discounted_returns(r, discount_t, v_t, one), rtol=0, atol=2 * ATOL)
    one_step = gae(r, discount_t, v_tm1, v_t, tf.zeros_like(one))
    np.testing.assert_array_equal(one_step, r + discount_t * v_t - v_tm1)


def test_compiled_equals_eager():
    """To the rounding of fused multiplications: the bound of a sum of |δ| ≤ 30, over T = 7."""
    rng = np.random.default_rng(2)
    r, v_tm1, v_t = rng.uniform(-10, 10, (3, 7, 4)).astype(np.float32)
    discount_t, lambda_t = discounts(rng.random((7, 4)) < 0.2, rng.random((7, 4)) < 0.2, gamma=0.99, lambda_=0.95)
    compiled = MODES["compiled"](gae)(r, discount_t, v_tm1, v_t, lambda_t)
    np.testing.assert_allclose(compiled, gae(r, discount_t, v_tm1, v_t, lambda_t), rtol=0, atol=ATOL)


@pytest.mark.parametrize("end", ["terminated", "truncated"])
def test_nothing_after_an_end_changes_what_is_before_it(estimate, end):
    rng = np.random.default_rng(5)
    arrays = rng.normal(size=(3, 9, 1)).astype(np.float32)
    ends = {
        name: np.arange(9)[:, None] == 3 if name == end else np.zeros((9, 1), bool)
        for name in ("terminated", "truncated")
    }
    discount_t, lambda_t = discounts(**ends, gamma=0.9, lambda_=0.9)

    def advantages(r, v_tm1, v_t):
        return estimate(r, discount_t, v_tm1, v_t, lambda_t).numpy()

    before = advantages(*arrays)
    for i in range(3):
        changed = arrays.copy()
        changed[i, 4:] += 1e4
        after = advantages(*changed)
        np.testing.assert_array_equal(after[:4], before[:4])
        assert np.all(after[4:] != before[4:])


def test_a_termination_ignores_the_final_value_and_a_truncation_takes_it_once():
    """∂A_1/∂v_1 is 0 where step 1 terminated and γ where it was truncated; probed by adding 8 to the final value."""
    for name, difference in (("terminated", 0.0), ("truncated", 0.5 * 8)):
        ends = {other: column(0, 1, 0) > (0 if other == name else 1) for other in ("terminated", "truncated")}
        discount_t, lambda_t = discounts(**ends, gamma=0.5, lambda_=0.5)
        arguments = column(1, 1, 1), discount_t, column(2, 4, 8)
        a, b = gae(*arguments, column(4, 6, 16), lambda_t), gae(*arguments, column(4, 14, 16), lambda_t)
        np.testing.assert_array_equal((b - a)[:, 0], [0.25 * difference, difference, 0.0])


def test_values_that_satisfy_bellmans_equation_have_no_advantage(estimate):
    """r_t = v_{t−1} − γ v_t at γ = ½, in powers of two: every δ is exactly 0, whatever λ."""
    v_tm1, v_t = column(8, 2, 4), column(2, 4, 16)
    a = estimate(v_tm1 - 0.5 * v_t, column(0.5, 0.5, 0.5), v_tm1, v_t, column(0.75, 0.75, 0.75))
    np.testing.assert_array_equal(a, tf.zeros((3, 1)))


def test_no_gradient_flows_through_any_argument(estimate):
    arguments = [column(1, 2, 3) for _ in range(5)]
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        a = estimate(*arguments)
    for gradient in tape.gradient(a, arguments):
        assert gradient is None or not np.any(gradient)
