"""benchmark.py: what stands side by side is the same task with the same settings."""

import importlib.util
import sys

import numpy as np
import pytest
from benchmarks import rows
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


def test_a_line_of_rows_has_the_median_and_range_of_the_rounds_ratios():
    """Microseconds 10, 20, 40 with `sum` and 30, 30, 60 with rows: ratios 3, 1.5 and 1.5."""
    line = rows.row(3, [(1e-5, 3e-5), (2e-5, 3e-5), (4e-5, 6e-5)])
    assert line == ["3", "20.0", "30.0", "1.50 × (1.50 to 3.00)"]


def test_with_rows_or_with_the_total_loss_an_update_makes_the_same_step():
    """What is timed is the same task: the weights differ by the rounding of sums in float32 alone."""
    task = rows.Task(num_objectives=3, samples=16, widths=(8,))
    summed, with_rows = (rows.updates_program(task, with_rows=answer)(5) for answer in (False, True))
    start = rows.updates_program(task, with_rows=False)(0)
    for part, weights in summed.items():
        for one, other, before in zip(weights, with_rows[part], start[part], strict=True):
            np.testing.assert_allclose(one, other, atol=2e-6)  # five steps of 1e-3, each to a few digits of float32
            assert not np.allclose(one, before, atol=1e-3)
