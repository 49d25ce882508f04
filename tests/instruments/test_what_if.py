"""What other rules would do, against the learner's own update, sums of rows by hand and finite differences."""

import numpy as np
import pytest
import tensorflow as tf

from rl.instruments.replay import replay
from rl.instruments.what_if import cosine_matrix, what_if
from rl.learning.collecting import collect
from rl.learning.learn import learn
from rl.learning.state import read
from rl.updates.combiners import MGDA, PCGrad, Sum
from rl.updates.optimizers import SGD

SMALL = (
    "environment=compiled/cartpole",
    "agent.rollout_length=16",
    "num_envs=4",
    "agent.minibatches=2",
    "steps=10_000",
)
COMBINERS = {
    "sum": Sum(scope="global", row_weights=None),
    "pcgrad": PCGrad(scope="global"),
    "mgda": MGDA(scope="global"),
}


def sgd(learning_rate):
    none = {"head_learning_rate": None, "rates": {}, "clip_norm": None, "clip_value": None}
    return SGD(learning_rate=learning_rate, schedule="constant", **none)


@pytest.fixture(scope="module")
def asked(build_apart):
    """A learner after two iterations, and what its third would learn from."""
    experiment = build_apart(*SMALL, "combiner=pcgrad", "probe=none")
    learner, state = experiment.learner, read(experiment.variables)
    for _ in range(2):
        state, _ = learn(learner, *collect(learner, state, learner.rollout_noise(state.seed, state.iteration)))
    return learner, *collect(learner, state, learner.rollout_noise(state.seed, state.iteration))


def test_the_runs_own_rule_takes_the_runs_own_step(asked):
    learner, state, trajectory = asked
    rule = learner.rules["update"]
    outcomes = what_if(learner, state, trajectory, {"own": rule.combiner}, {"own": rule.optimizer})
    played = replay(learner, state, trajectory)
    direction, step, _ = played.propose(played.minibatch(0))
    expected = np.concatenate([np.ravel(x) for x in rule.shared_row(step.delta)])
    np.testing.assert_array_equal(outcomes["own", "own"].step, expected)
    weights = tf.reduce_mean(direction.row_weights, 0)
    np.testing.assert_array_equal(list(outcomes["own", "own"].row_weights.values()), weights)


def test_the_runs_own_combiner_starts_from_the_runs_state(build):
    """GradNorm's weights go on from those learnt so far; at its initial state they would be 1."""
    experiment = build(*SMALL, "combiner=gradnorm", "combiner.learning_rate=0.1", "probe=none")
    learner, state = experiment.learner, read(experiment.variables)
    for _ in range(2):
        state, _ = learn(learner, *collect(learner, state, learner.rollout_noise(state.seed, state.iteration)))
    learnt = state.rules["update"].combiner
    collected = collect(learner, state, learner.rollout_noise(state.seed, state.iteration))
    rule = learner.rules["update"]
    outcomes = what_if(learner, *collected, {"own": rule.combiner}, {"own": rule.optimizer})
    direction, _, _ = (played := replay(learner, *collected)).propose(played.minibatch(0))
    weights = list(outcomes["own", "own"].row_weights.values())
    np.testing.assert_array_equal(weights, tf.reduce_mean(direction.row_weights, 0))
    assert np.abs(np.array(weights) - 1.0).max() > 0.05
    assert np.abs(np.array(weights) - np.ravel(tf.nest.flatten(learnt)[0])[: len(weights)]).max() < 0.2


def test_gradient_descent_takes_minus_the_weighted_rows(asked):
    learner, state, trajectory = asked
    outcomes = what_if(learner, state, trajectory, COMBINERS, {"sgd": sgd(0.5)})
    total = outcomes["sum", "sgd"]
    assert total.row_weights == {"actor": 1.0, "critic": 1.0}
    by_rule = {name: np.array(list(o.row_weights.values())) for (name, _), o in outcomes.items()}
    # Two rows span a plane: with the steps of sum and MGDA known, PCGrad's follows from the weights.
    steps = {name: outcome.step.astype(np.float64) for (name, _), outcome in outcomes.items()}
    matrix = np.stack([by_rule["sum"], by_rule["mgda"]])
    rows = np.linalg.solve(matrix, np.stack([steps["sum"], steps["mgda"]]))
    # float32 steps, and a matrix whose condition number enters
    bound = 1e-6 * np.linalg.cond(matrix) * np.abs(rows).max()
    np.testing.assert_allclose(by_rule["pcgrad"] @ rows, steps["pcgrad"], rtol=0, atol=bound)


def test_short_steps_change_every_loss_as_expected(asked):
    """With c(h) = e h + q h² + O(h³), 4 c(h/2) − c(h) is e h."""
    learner, state, trajectory = asked
    outcomes = what_if(learner, state, trajectory, COMBINERS, {"whole": sgd(1e-2), "half": sgd(5e-3)})
    for combiner in COMBINERS:
        whole, half = outcomes[combiner, "whole"], outcomes[combiner, "half"]
        for objective, expected in whole.expected.items():
            found = 4.0 * half.changes[objective] - whole.changes[objective]
            # Losses of about 1 are float32: 1e-7 each, five times.
            assert found == pytest.approx(expected, rel=0.02, abs=6e-7)


def test_cosines_of_vectors():
    cosines = cosine_matrix([np.array([1.0, 0.0]), np.array([-2.0, 2.0]), np.array([0.0, 0.0])])
    np.testing.assert_allclose(cosines[:2, :2], [[1, -(0.5**0.5)], [-(0.5**0.5), 1]], rtol=1e-15)
    assert np.isnan(cosines[2]).all()
