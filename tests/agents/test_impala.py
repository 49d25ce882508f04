"""IMPALA: A2C while the copy is fresh, corrected when it is not."""

import numpy as np
import pytest
import tensorflow as tf

from rl.errors import ConfigError
from rl.learning.collecting import collect
from rl.learning.ingesting import ingest
from rl.learning.state import named_variables, read

SMALL = (
    "environment=compiled/cartpole",
    "num_envs=4",
    "agent.rollout_length=8",
    "network.torso.widths=[8]",
    "optimizer.learning_rate=0.02",
    "probe=none",
)
LAGGED = ("agent=impala", "frozen=lagged")


@pytest.fixture
def weights_after(lending):
    def trained(count, *overrides):
        with lending() as build:
            experiment = build(*SMALL, *overrides)
            programs = experiment.programs(probe_every=10)
            for _ in range(count):
                programs.iterate(1)
            names = {"torso", "policy", "value"}
            return {n: v.numpy() for n, v in named_variables(experiment.variables).items() if n.split("/")[0] in names}

    return trained


@pytest.mark.parametrize("lambda_", [1.0, 0.9])
def test_with_a_fresh_copy_it_is_a2c(weights_after, lambda_):
    """λ = 1: n-step returns. The same products, summed in another order: float32 rounding over 20 updates."""
    given = (f"agent.lambda_={lambda_}",)
    a2c = weights_after(20, "agent=a2c", *given)
    impala = weights_after(20, *LAGGED, "frozen.behaviour.every_updates=1", *given)
    start = weights_after(0, "agent=a2c")
    for name, x in a2c.items():
        assert np.abs(x - start[name]).max() > 1e-3
        np.testing.assert_allclose(impala[name], x, rtol=2e-4, atol=2e-5, err_msg=name)


def test_with_an_old_copy_only_the_correction_tells_them_apart(weights_after):
    old = (*LAGGED, "frozen.behaviour.every_updates=7")
    corrected, naive = (weights_after(20, *old, f"agent.correction={x}") for x in ("true", "false"))
    assert max(np.abs(corrected[name] - naive[name]).max() for name in naive) > 1e-3
    # Up to the first update with an old copy they are the same.
    corrected, naive = (weights_after(1, *old, f"agent.correction={x}") for x in ("true", "false"))
    for name, x in naive.items():
        np.testing.assert_allclose(corrected[name], x, rtol=1e-5, atol=1e-6)


def test_importance_weights_are_those_of_the_copy_that_acted(build):
    """Three updates after the copy was made: the trajectory's log-probabilities are the copy's, ρ̄ = c̄ = 10⁶."""
    experiment = build(*SMALL, *LAGGED, "frozen.behaviour.every_updates=100", "agent.rho_clip=1e6", "agent.c_clip=1e6")
    experiment.programs(probe_every=10).iterate(3)
    learner, state = experiment.learner, read(experiment.variables)
    assert float(state.frozen["behaviour"].age) == 3
    state, trajectory = collect(learner, state, learner.rollout_noise(state.seed, state.iteration))
    state, trajectory, _ = ingest(learner, state, trajectory)
    roles = {"live": state.weights, "behaviour": state.frozen["behaviour"].weights}
    batch, _ = learner.phases[0].prepare(roles, trajectory)
    model, frames = learner.model, batch.observation
    live, old = (
        model.distribution.log_prob(learner.agent.policy(model, roles[role], frames), batch.action) for role in roles
    )
    np.testing.assert_allclose(tf.reshape(trajectory.extras["log_prob"], (-1,)), old, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(batch.log_prob, live, rtol=1e-5, atol=1e-6)
    # The last step of the rollout: A = ρ δ.
    value = model.network.apply(roles["live"], {"observation": batch.next_observation}, ("value",))["value"][:, 0]
    delta = batch.reward + batch.discount * value - batch.value
    np.testing.assert_allclose(batch.advantage[-4:], (tf.exp(live - old) * delta)[-4:], rtol=1e-4, atol=1e-5)


def test_two_seeds_in_one_program(build):
    both = build(*SMALL, *LAGGED, "seeds=2")
    both.programs(probe_every=10).iterate(3)
    alone = build(*SMALL, *LAGGED, "seed=1")
    alone.programs(probe_every=10).iterate(3)
    ours, theirs = both.variables.weights["torso"][0], alone.variables.weights["torso"][0]
    np.testing.assert_allclose(ours[1], theirs, rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(both.variables.frozen["behaviour"].age, [3, 3])


@pytest.mark.parametrize("bootstrap", ["residual", "tdc", "tdrc"])
def test_a_value_loss_without_importance_weights_is_refused(build, bootstrap):
    target = "+frozen.target={_target_:rl.frozen.Polyak,tau:0.005}"
    with pytest.raises(ConfigError, match=r"agent=impala corrects .* choose agent/bootstrap=semi_gradient"):
        build("agent=impala", "environment=compiled/cartpole", f"agent/bootstrap={bootstrap}", target)


def test_a_copy_that_never_moves_cannot_act(build):
    with pytest.raises(ConfigError, match=r"acts with a frozen copy `behaviour` with schedule rl\.frozen\.Hard"):
        build(*SMALL, "agent=impala", "frozen=default", "frozen.behaviour._target_=rl.frozen.Never")
