"""benchmark.py: what stands side by side is the same task with the same settings."""

import importlib.util
import sys

import pytest
from benchmarks.compiled import SETTINGS, Turn, row
from benchmarks.printing import markdown

ENVIRONMENTS = {"CartPole": "CartPole-v1", "Breakout": "Breakout-MinAtar"}


@pytest.fixture
def peer(root, monkeypatch):
    """The peer's settings for some options."""
    spec = importlib.util.spec_from_file_location("jax_ppo", root / "scripts" / "peers" / "jax_ppo.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def settings(*options):
        monkeypatch.setattr(sys, "argv", ["jax_ppo.py", *options])
        return module.parse_args()

    return settings


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_the_peer_is_given_what_we_are(compose, peer, setting):
    ours, theirs = compose(*setting.overrides()), peer(*setting.options())
    agent, optimizer = ours.agent, ours.optimizer
    assert ENVIRONMENTS[ours.environment._target_.rsplit(".", 1)[1]] == theirs.env
    assert (ours.num_envs, ours.seeds, agent.rollout_length) == (theirs.num_envs, theirs.seeds, theirs.num_steps)
    assert (agent.epochs, agent.minibatches) == (theirs.epochs, theirs.minibatches)
    assert (agent.gamma, agent.lambda_, agent.clip) == (theirs.gamma, theirs.gae_lambda, theirs.clip)
    assert dict(agent.coefficients) == {"policy": 1.0, "value": theirs.vf_coef, "entropy": theirs.ent_coef}
    assert (optimizer.learning_rate, optimizer.clip_norm) == (theirs.lr, theirs.max_grad_norm)
    assert list(ours.network.torso.widths) == [theirs.hidden] * 2
    assert ours.network.shared is not theirs.separate
    assert ours.combiner._target_.lower().endswith({"none": ".sum", "pcgrad": ".pcgrad"}[theirs.surgery])
    # The peer clips the value as it clips the ratio.
    assert (agent.value_loss, agent.value_clip) == ("clipped", theirs.clip)
    assert not theirs.no_value_clip
    # What the peer has no option for.
    assert (optimizer.epsilon, optimizer.schedule, ours.network.torso.activation) == (1e-5, "linear", "tanh")
    assert agent.normalize_advantage
    assert not ours.normalize.rewards
    assert not ours.normalize.observations


def test_a_line_has_the_median_of_the_rounds_ratios():
    turns = [Turn(100.0, 50.0, 8.0, 1, 2), Turn(400.0, 100.0, 9.0, 1, 2), Turn(300.0, 300.0, 7.0, 1, 2)]
    line = row("setting", turns)  # ratios 2, 4 and 1; the ratio of the medians would be 3
    assert line == ["setting", "1, JAX 2", "300", "100", "2.00 × (1.00 to 4.00)", "8.0"]
    assert markdown(["a", "b"], [line[:2]]) == "| a | b |\n| --- | --- |\n| setting | 1, JAX 2 |"
