"""The oracle: true rows against finite differences, and sampled rows against true ones where theory says what comes."""

import numpy as np
import pytest
import tensorflow as tf
from omegaconf import OmegaConf

from rl.commands.composition import build as build_config
from rl.environments.compiled.tabular import exact
from rl.errors import ConfigError
from rl.gradients import onto_live
from rl.gradients.bias import deviation
from rl.instruments.probing import Prober
from rl.instruments.replay import replay, rows_of
from rl.learning.collecting import collect
from rl.learning.ingesting import ingest
from rl.learning.state import read

SMALL = ("agent=a2c", "network.torso.widths=[6]", "probe=oracle", "num_envs=8", "agent.rollout_length=8")
TWO_STEPS = {
    "transition": [[[0, 0.8, 0.2, 0], [0, 0.2, 0.8, 0]], *2 * [[[0, 0, 0, 1]] * 2], [[0, 0, 0, 0]] * 2],
    "reward": [[0.5, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 0.0]],
    "terminal": [False, False, False, True],
    "start": [1, 0, 0, 0],
}
"""First where to go, then a last step for more or less: an episode is two steps, and so is a rollout."""


def rolled_out(experiment, seed=None):
    """What a prober starts from: the state before an iteration's learning, and a trajectory."""
    learner, state = experiment.learner, read(experiment.variables)
    return collect(learner, state, learner.rollout_noise(state.seed if seed is None else seed, state.iteration))


def experienced(experiment):
    """That state, and what `ingest` makes of both."""
    before, trajectory = rolled_out(experiment)
    state, trajectory, _ = ingest(experiment.learner, before, trajectory)
    return before, state, trajectory


def findings(experiment):
    prober = Prober(experiment.learner, (), num_samples=2, oracle=experiment.prober.oracle)
    return prober(*rolled_out(experiment)).numbers


@pytest.fixture
def two_steps(compose):
    """Builds an experiment whose rollouts are whole episodes of two steps."""

    def build(*overrides):
        config = compose(*SMALL, "normalize.rewards=false", "agent.rollout_length=2", "agent.gamma=0.9", *overrides)
        OmegaConf.set_struct(config, False)
        config.environment = {
            "_target_": "rl.environments.compiled.tabular.TabularMDP",
            "_convert_": "all",
            "max_episode_steps": None,
            "mdp": list(TWO_STEPS.values()),
        }
        return build_config(config)

    return build


class Twin:
    """The network of `SMALL` in float64, from a flat vector of the torso's weights."""

    def __init__(self, experiment, seen):
        weights = {part: [v.numpy().astype(float) for v in vs] for part, vs in experiment.variables.weights.items()}
        self.torso, self.heads, self.seen = weights["torso"], weights, seen.astype(float)
        self.start = np.concatenate([tensor.ravel() for tensor in self.torso])

    def __call__(self, flat):
        shape = self.torso[0].shape
        kernel, bias = np.split(flat, [np.prod(shape)])
        features = np.tanh(self.seen @ kernel.reshape(shape) + bias)
        logits, values = (features @ kernel + bias for kernel, bias in (self.heads[h] for h in ("policy", "value")))
        weights = np.exp(logits - logits.max(1, keepdims=True))
        return weights / weights.sum(1, keepdims=True), values[:, 0]

    def slope(self, objective, h=1e-5):
        """Central differences in all coordinates: truncation about h² = 1e-10, rounding 1e-16/h = 1e-11."""
        steps = h * np.eye(self.start.size)
        return np.array([objective(*self(self.start + s)) - objective(*self(self.start - s)) for s in steps]) / (2 * h)


def shares_within(mdp, policy, limit):
    now, visits = mdp.start, 0.0
    for _ in range(limit):
        visits = visits + now
        now = np.where(mdp.terminal, 0, now @ np.einsum("sa,sat->st", policy, mdp.transition))
    return visits / visits.sum()


@pytest.mark.parametrize(
    ("environment", "limit", "rewards"), [("garnet", None, False), ("gridworld", 30, True), ("baird", 7, False)]
)
def test_true_rows_are_the_slopes_of_the_exact_objectives(build, environment, limit, rewards):
    """To float32 rounding of the network; observations and rewards are normalised as the learner has them."""
    experiment = build(
        *SMALL,
        f"environment=compiled/tabular/{environment}",
        f"environment.max_episode_steps={'null' if limit is None else limit}",
        f"normalize.rewards={rewards}",
        "normalize.reward_scale=0.5",
    )
    learner, gamma = experiment.learner, experiment.learner.agent.gamma
    before, state, _ = experienced(experiment)
    rows, numbers = experiment.prober.oracle.truth(before, state)

    mdp = learner.environment.mdp
    scale = float(learner.normalizer.reward(state.normalizer, tf.constant(1.0)))
    units = mdp._replace(reward=scale * mdp.reward)
    twin = Twin(experiment, learner.environment.features)
    policy, value = twin(twin.start)
    d = exact.stationary_distribution(mdp, policy) if limit is None else shares_within(mdp, policy, limit)
    v, advantage = exact.state_values(units, policy, gamma), exact.advantages(units, policy, gamma)

    slopes = {
        "policy": twin.slope(lambda chosen, _: -d @ (chosen * advantage).sum(1)),
        "value": twin.slope(lambda _, value: 0.5 * d @ np.square(value - v)),
    }
    for name, slope in slopes.items():
        np.testing.assert_allclose(rows[name], slope, rtol=0, atol=2e-6 * np.abs(slope).max() + 1e-9)
    np.testing.assert_allclose(numbers["value_error"], np.sqrt(d @ np.square(value - v)), rtol=1e-5)
    np.testing.assert_allclose(numbers["return"], exact.expected_return(mdp, policy, gamma), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("agent", ["a2c", "ppo"])
def test_whole_episodes_with_lambda_1_have_no_bias(two_steps, agent):
    """λ = 1 sums all rewards of an episode, and a wrong value is a baseline: E ḡ = g exactly.

    Each coordinate within 4 standard errors of 4,096 environments, the squared bias within 4 of its own.
    """
    experiment = two_steps(f"agent={agent}", "agent.lambda_=1.0", "agent.minibatches=1", "num_envs=4096")
    before, state, trajectory = experienced(experiment)
    true, _ = experiment.prober.oracle.truth(before, state)
    for name, rows in experiment.prober.oracle.sampled(state, trajectory).items():
        error = rows.numpy() - true[name].numpy()
        standard_error = error.std(0) / np.sqrt(len(error))
        assert (abs(error.mean(0)) <= 4 * standard_error).all()
        assert standard_error.max() < 0.1 * np.linalg.norm(true[name])
        found = deviation(rows, true[name])
        assert abs(found.squared_bias) <= 4 * found.standard_error


def test_lambda_0_has_the_bias_of_the_wrong_value(two_steps):
    """λ = 0 takes r + γ v(s') for the return, here with the value of an untrained network.

    The expected row is the slope of the same objectives with that one-step advantage and target.
    """
    experiment = two_steps("agent.lambda_=0.0", "num_envs=16384", "seed=1")
    before, state, trajectory = experienced(experiment)
    true, _ = experiment.prober.oracle.truth(before, state)
    mdp, twin = experiment.learner.environment.mdp, Twin(experiment, experiment.learner.environment.features)
    policy, value = twin(twin.start)
    d = exact.stationary_distribution(mdp, policy)
    q = mdp.reward + 0.9 * mdp.transition @ np.where(mdp.terminal, 0, value)
    target = (policy * q).sum(1)
    expected = {
        "policy": twin.slope(lambda chosen, _: -d @ (chosen * (q - value[:, None])).sum(1)),
        "value": twin.slope(lambda _, v: 0.5 * d @ np.square(v - target)),
    }
    for name, rows in experiment.prober.oracle.sampled(state, trajectory).items():
        found = deviation(rows, true[name])
        bias = np.square(expected[name] - true[name]).sum()
        assert bias > 10 * found.standard_error
        assert abs(found.squared_bias - bias) <= 4 * found.standard_error
        assert abs(deviation(rows, expected[name]).squared_bias) < 0.01 * bias


def test_the_variance_falls_as_the_number_of_environments_grows(two_steps):
    """Four times the environments, a quarter of the variance; to 15 %, the error of a variance from 512 samples."""
    few, many = (findings(two_steps(f"num_envs={count}")) for count in (512, 2048))
    for name in ("policy", "value"):
        tag = f"gradient/oracle/{name}/variance"
        np.testing.assert_allclose(few[tag], 4 * many[tag], rtol=0.15)


def test_the_mean_over_environments_is_the_row_of_the_whole_batch(build):
    """And so, with one minibatch and advantages as they are, the cosine is that of the mean."""
    experiment = build(*SMALL, "environment=compiled/tabular/garnet")
    before, state, trajectory = experienced(experiment)
    learner, oracle = experiment.learner, experiment.prober.oracle
    played = replay(learner, *rolled_out(experiment))
    found = rows_of(learner, played.minibatch(0)).gradients
    rows = {name: onto_live(row) for name, row in found.items()}
    true, _ = oracle.truth(before, state)
    numbers = oracle(before, state, trajectory, rows)
    for name, sampled in oracle.sampled(state, trajectory).items():
        whole = np.concatenate([tensor.numpy().ravel() for tensor in rows[name]["torso"]])
        mean = sampled.numpy().mean(0)
        np.testing.assert_allclose(mean, whole, rtol=0, atol=1e-5 * np.abs(whole).max())
        cosine = np.dot(mean, true[name]) / np.linalg.norm(mean) / np.linalg.norm(true[name])
        np.testing.assert_allclose(numbers[f"gradient/oracle/{name}/cosine"], cosine, rtol=1e-4)


def test_with_a_torso_for_each_head_a_row_is_on_its_own(build):
    experiment = build(*SMALL, "environment=compiled/tabular/chain", "network.shared=false")
    before, state, _ = experienced(experiment)
    rows, _ = experiment.prober.oracle.truth(before, state)
    assert {name: row.shape for name, row in rows.items()} == {"policy": (7 * 6 + 6,), "value": (7 * 6 + 6,)}
    assert all(np.isfinite(number) for number in findings(experiment).values())


def test_runs_batched_in_one_program_find_what_each_finds_alone(build):
    experiment = build(*SMALL, "environment=compiled/tabular/chain")
    prober = Prober(experiment.learner, (), num_samples=2, oracle=experiment.prober.oracle)
    runs = [rolled_out(experiment, tf.constant([7, number])) for number in (1, 2)]
    alone = [prober(*run).numbers for run in runs]
    stacked = tf.nest.map_structure(lambda *x: tf.stack(x), *runs)
    together = tf.vectorized_map(lambda run: prober(*run).numbers, stacked, fallback_to_while_loop=False)
    for tag, numbers in together.items():
        # The rows come from the network in float32; a small squared bias is a difference of them.
        np.testing.assert_allclose(numbers, [one[tag] for one in alone], rtol=1e-3, atol=1e-5)


def test_the_oracle_changes_no_bit_of_the_weights(build):
    trained = []
    for oracle in (True, False):
        experiment = build(*SMALL, "environment=compiled/tabular/chain", f"probe.oracle={oracle}", "probe.names=[]")
        programs = experiment.programs(probe_every=1)
        programs.compile()
        for _ in range(3):
            found = programs.iterate(1).findings
        assert ("gradient/oracle/policy/squared_bias" in found) == oracle
        trained.append([v.numpy() for part in experiment.variables.weights.values() for v in part])
    for one, other in zip(*trained, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["environment=compiled/cartpole"], "the environment is CartPole, whose truth is not known"),
        (["environment=compiled/tabular/chain", "num_envs=2"], "num_envs is 2; .* needs at least 3"),
        (["environment=compiled/tabular/garnet", "agent.gamma=1.0"], "gamma is 1 and some state never comes"),
    ],
)
def test_where_the_truth_is_not_known_there_is_one_message(build, overrides, message):
    with pytest.raises(ConfigError, match=message):
        build(*SMALL, *overrides)
    assert build(*SMALL, *overrides, "probe.oracle=false").prober.oracle is None
