"""The exact solutions as TensorFlow operations, against NumPy's."""

import numpy as np
import pytest
import tensorflow as tf

from rl.environments.compiled.tabular import Baird, Chain, FiniteMDP, Garnet, GridWorld, exact, traced

ONE = {"num_envs": 1, "max_episode_steps": None}
GRID = {"height": 8, "width": 10, "start": [7, 0], "goal": [0, 9], "walls": [[0, 1], [1, 0], [4, 4]], "slip": 0.1}
MDPS = {
    "chain": Chain(**ONE, num_states=5, slip=0.2).mdp,
    "garnet": Garnet(**ONE, num_states=100, num_actions=4, branching=3, instance=7).mdp,
    "baird": Baird(**ONE).mdp,
    "gridworld with a cell that is closed in": GridWorld(**ONE, **GRID).mdp,
    "loop": FiniteMDP.checked([[[0.0, 1.0]], [[1.0, 0.0]]], [[1], [0]], [False, False], [1, 0]),
}
mdps = pytest.mark.parametrize("mdp", MDPS.values(), ids=MDPS.keys())


def some_policy(mdp):
    logits = 2 * np.random.default_rng(3).standard_normal(mdp.reward.shape)
    return np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)


def compiled(function, *arguments, **settings):
    program = tf.function(lambda *tensors: function(*tensors, **settings), jit_compile=True, autograph=False)
    return program(*(tf.constant(x) for x in arguments)).numpy()


@mdps
def test_values_and_advantages_are_those_of_numpy(mdp):
    """At γ = 0.999 the condition number is about 2,000, and float64 rounding comes to 1e-12 of values up to 1,000."""
    policy = some_policy(mdp)
    values = compiled(lambda p, r: traced.state_values(mdp, p, r, gamma=0.999), policy, mdp.reward)
    np.testing.assert_allclose(values, exact.state_values(mdp, policy, 0.999), rtol=0, atol=1e-8)
    found = compiled(lambda v, r: traced.advantages(mdp, v, r, gamma=0.999), values, mdp.reward)
    np.testing.assert_allclose(found, exact.advantages(mdp, policy, 0.999), rtol=0, atol=1e-8)


@mdps
def test_the_stationary_distribution_is_that_of_numpy(mdp):
    """Also for a periodic chain, on which powers of P̃ do not converge."""
    policy = some_policy(mdp)
    d = compiled(lambda p: traced.state_distribution(mdp, p, max_episode_steps=None), policy)
    np.testing.assert_allclose(d, exact.stationary_distribution(mdp, policy), rtol=0, atol=1e-10)


@mdps
@pytest.mark.parametrize("limit", [1, 50])
def test_a_time_limit_cuts_the_visits_short(mdp, limit):
    policy = some_policy(mdp)
    now, visits = mdp.start.copy(), np.zeros(len(mdp.start))
    for _ in range(limit):
        visits += now
        now = np.where(mdp.terminal, 0, now @ np.einsum("sa,sat->st", policy, mdp.transition))
    d = compiled(lambda p: traced.state_distribution(mdp, p, max_episode_steps=limit), policy)
    np.testing.assert_allclose(d, visits / visits.sum(), rtol=0, atol=1e-14)
    if limit == 1:
        np.testing.assert_allclose(d, mdp.start, rtol=0, atol=1e-15)


def test_a_limit_that_is_never_reached_changes_nothing():
    mdp = MDPS["chain"]
    policy = some_policy(mdp)
    d = compiled(lambda p: traced.state_distribution(mdp, p, max_episode_steps=2000), policy)
    np.testing.assert_allclose(d, exact.stationary_distribution(mdp, policy), rtol=0, atol=1e-12)
