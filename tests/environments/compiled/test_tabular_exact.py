"""Exact solutions of finite MDPs: by hand, by closed forms, and by the equations that they must satisfy."""

import numpy as np
import pytest

from rl.environments.compiled.tabular import Baird, Chain, FiniteMDP, Garnet, GridWorld, exact
from rl.errors import ConfigError

ONE = {"num_envs": 1, "max_episode_steps": None}
GRID = {"height": 3, "width": 4, "start": [2, 0], "goal": [0, 3], "walls": [[1, 1]]}
MDPS = {
    "chain": Chain(**ONE, num_states=5, slip=0.2).mdp,
    "garnet": Garnet(**ONE, num_states=12, num_actions=3, branching=4, instance=7).mdp,
    "baird": Baird(**ONE).mdp,
    "gridworld": GridWorld(**ONE, **GRID, slip=0.3).mdp,
}
mdps = pytest.mark.parametrize("mdp", MDPS.values(), ids=MDPS.keys())


def softmax(logits):
    weights = np.exp(logits)
    return weights / weights.sum(-1, keepdims=True)


def some_logits(mdp):
    return np.random.default_rng(3).standard_normal(mdp.reward.shape)


@pytest.mark.parametrize("slip", [0.0, 0.3, 1.0])
def test_the_random_walk_has_the_books_values(slip):
    """v(k) = k/(n + 1) at γ = 1 (example 6.2: 1/6 to 5/6): it is linear, and 0 and 1 beyond the ends."""
    mdp = Chain(**ONE, num_states=5, slip=slip).mdp
    values = exact.state_values(mdp, np.full((7, 2), 0.5), 1.0)
    np.testing.assert_allclose(values, [0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 0], rtol=0, atol=1e-15 * 8)


@pytest.mark.parametrize(
    ("right", "slip", "gamma"), [(0.5, 0.0, 0.9), (1.0, 0.1, 0.99), (0.7, 0.2, 1.0), (0.2, 0.0, 0.5)]
)
def test_a_walk_with_drift_has_the_gamblers_values(right, slip, gamma):
    """v(k) = γ (p v(k+1) + (1−p) v(k−1)) is solved by powers of the roots of γpx² − x + γ(1−p).

    The ends are v(0) = 0 and v(n+1) = 1/γ: the reward of 1 comes with the step into the end.
    """
    n = 6
    p = right * (1 - slip) + (1 - right) * slip
    one, other = np.roots([gamma * p, -1, gamma * (1 - p)])
    k = np.arange(n + 2)
    expected = (one**k - other**k) / (one ** (n + 1) - other ** (n + 1)) / gamma
    expected[-1] = 0  # what was an end of the recursion is a terminal state
    policy = np.tile([1 - right, right], (n + 2, 1))
    values = exact.state_values(Chain(**ONE, num_states=n, slip=slip).mdp, policy, gamma)
    np.testing.assert_allclose(values, expected, rtol=1e-12, atol=0)


def test_a_loop_of_two_states_by_hand():
    """0 → 1 with reward 1, 1 → 0 with reward 0, γ = ½, from 0.

    v(0) = 1 + v(1)/2 and v(1) = v(0)/2: v = (4/3, 2/3). Visited at times 0, 2, 4, …: d_γ = (4/3, 2/3), the same
    sum; without discount half the time each.
    """
    transition = np.array([[[0.0, 1.0]], [[1.0, 0.0]]])
    mdp = FiniteMDP.checked(transition, [[1], [0]], [False, False], [1, 0])
    policy = np.ones((2, 1))
    np.testing.assert_allclose(exact.state_values(mdp, policy, 0.5), [4 / 3, 2 / 3], rtol=1e-15)
    np.testing.assert_allclose(exact.discounted_visitation(mdp, policy, 0.5), [4 / 3, 2 / 3], rtol=1e-15)
    np.testing.assert_allclose(exact.stationary_distribution(mdp, policy), [1 / 2, 1 / 2], rtol=1e-15)
    assert exact.expected_return(mdp, policy, 0.5) == pytest.approx(4 / 3, rel=1e-15)


def test_the_stationary_distribution_of_a_chain_with_resets_by_hand():
    """n = 3, always right: 2, 3, end, 2, 3, end, …: half the steps are taken in 2 and half in 3, none in 1."""
    mdp = Chain(**ONE, num_states=3, slip=0.0).mdp
    policy = np.tile([0.0, 1.0], (5, 1))
    np.testing.assert_allclose(exact.stationary_distribution(mdp, policy), [0, 0, 1 / 2, 1 / 2, 0], rtol=0, atol=1e-15)
    np.testing.assert_allclose(exact.discounted_visitation(mdp, policy, 1.0), [0, 0, 1, 1, 0], rtol=0, atol=1e-15)


@mdps
@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.99])
def test_values_satisfy_bellmans_equation(mdp, gamma):
    policy = softmax(some_logits(mdp))
    v, q = exact.state_values(mdp, policy, gamma), exact.action_values(mdp, policy, gamma)
    backup = np.where(mdp.terminal[:, None], 0, mdp.reward + gamma * np.einsum("sat,t->sa", mdp.transition, v))
    np.testing.assert_allclose(q, backup, rtol=0, atol=1e-12)
    np.testing.assert_allclose(v, (policy * backup).sum(1), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(v[mdp.terminal], 0)
    mean_advantage = (policy * exact.advantages(mdp, policy, gamma)).sum(1)
    np.testing.assert_allclose(mean_advantage, 0, rtol=0, atol=1e-12)


@mdps
@pytest.mark.parametrize("gamma", [0.5, 0.99])
def test_visitation_is_the_sum_over_time_and_gives_the_return(mdp, gamma):
    """Against the sum written out to where γ^t < 1e-17."""
    policy = softmax(some_logits(mdp))
    averaged = np.einsum("sa,sat->st", policy, mdp.transition)
    now, total = mdp.start.copy(), np.zeros(len(mdp.start))
    for t in range(4000):
        total += gamma**t * now
        now = np.where(mdp.terminal, 0, now @ averaged)
    visitation = exact.discounted_visitation(mdp, policy, gamma)
    np.testing.assert_allclose(visitation, total, rtol=0, atol=1e-11)
    assert visitation @ (policy * mdp.reward).sum(1) == pytest.approx(
        exact.expected_return(mdp, policy, gamma), abs=1e-12
    )
    if not mdp.terminal.any():
        assert visitation.sum() == pytest.approx(1 / (1 - gamma), rel=1e-12)


@mdps
@pytest.mark.parametrize("gamma", [0.5, 0.95])
def test_the_policy_gradient_is_the_slope_of_the_return(mdp, gamma):
    """Central differences of J over ±1e-4 logits: truncation about 1e-8 |J'''|/6, rounding 1e-15 |J| / 1e-4."""
    logits, h = some_logits(mdp), 1e-4
    gradient = exact.policy_gradient_logits(mdp, softmax(logits), gamma)
    slope = np.zeros_like(logits)
    for index in np.ndindex(*logits.shape):
        step = np.zeros_like(logits)
        step[index] = h
        above, below = (exact.expected_return(mdp, softmax(logits + sign * step), gamma) for sign in (1, -1))
        slope[index] = (above - below) / (2 * h)
    np.testing.assert_allclose(gradient, slope, rtol=0, atol=1e-8)
    np.testing.assert_allclose(gradient.sum(1), 0, rtol=0, atol=1e-12)  # adding a number to all logits changes nothing
    if mdp.reward.any():
        assert abs(gradient).max() > 1e-4


@mdps
def test_the_stationary_distribution_is_a_distribution_that_a_step_keeps(mdp):
    policy = softmax(some_logits(mdp))
    d = exact.stationary_distribution(mdp, policy)
    kept = exact.restarting_transition(mdp, policy)
    np.testing.assert_allclose(kept[mdp.live].sum(1), 1, rtol=0, atol=1e-12)
    np.testing.assert_allclose(d @ kept, d, rtol=0, atol=1e-12)
    assert d.sum() == pytest.approx(1, abs=1e-12)
    assert (d >= -1e-15).all()
    np.testing.assert_array_equal(d[mdp.terminal], 0)


def test_baird_has_value_zero_and_the_books_stationary_distribution():
    """Dashed 6/7, solid 1/7 makes the next state uniform over all seven (figure 11.1)."""
    mdp, policy = MDPS["baird"], np.tile([6 / 7, 1 / 7], (7, 1))
    np.testing.assert_array_equal(exact.state_values(mdp, policy, 0.99), 0)
    np.testing.assert_allclose(exact.stationary_distribution(mdp, policy), 1 / 7, rtol=1e-14)


def test_a_state_that_the_start_does_not_reach_is_visited_never():
    transition = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    mdp = FiniteMDP.checked(transition, [[1], [5]], [False, False], [1, 0])
    np.testing.assert_array_equal(exact.stationary_distribution(mdp, np.ones((2, 1))), [1, 0])


def test_what_has_no_answer_is_refused():
    two_loops = FiniteMDP.checked(np.eye(2)[:, None], [[0], [0]], [False, False], [0.5, 0.5])
    one, half = np.ones((2, 1)), np.full((2, 1), 0.5)
    with pytest.raises(ConfigError, match="more than one recurrent class"):
        exact.stationary_distribution(two_loops, one)
    with pytest.raises(ConfigError, match="gamma is 1 and some state never comes to a terminal one"):
        exact.state_values(two_loops, one, 1.0)
    with pytest.raises(ConfigError, match=r"gamma is 1.5; it must be between 0 and 1"):
        exact.state_values(two_loops, one, 1.5)
    with pytest.raises(ConfigError, match="rows that sum to 1"):
        exact.state_values(two_loops, half, 0.9)
    with pytest.raises(ConfigError, match=r"the policy has shape \(2, 2\)"):
        exact.state_values(two_loops, np.full((2, 2), 0.5), 0.9)
