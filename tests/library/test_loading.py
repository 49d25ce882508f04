"""`load`: the policy of a run directory, of a checkpoint, and of an exported folder."""

import inside
import numpy as np
import pytest
import tensorflow as tf

import rl
from rl.errors import ConfigError

RUN = (
    "environment=compiled/tabular/chain",
    "num_envs=4",
    "agent.rollout_length=8",
    "network.torso.widths=[8]",
    "evaluation.episodes=4",
    "probe=none",
    "normalize.observations=true",
    "steps=256",
    "checkpoint.every_steps=128",
    "hydra.run.dir=run",
)


@pytest.fixture(scope="module")
def run(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("loading")
    result = inside.call(root, folder, "train.py", *RUN)
    assert result.returncode == 0, result.stderr
    return folder / "run"


@pytest.fixture(scope="module")
def exported(root, run):
    result = inside.call(root, run.parent, "export.py", "run", "--out", "policy")
    assert result.returncode == 0, result.stderr
    assert "what run learned, at step 256" in result.stdout
    return run.parent / "policy"


@pytest.fixture(scope="module")
def observations():
    return np.random.default_rng(0).normal(0.3, 1.0, (50, 5)).astype(np.float32)


def test_from_everywhere_it_is_the_policy_that_is_evaluated(run, exported, observations):
    from rl.commands.restoring import load_run

    experiment, config = load_run(run, "newest")
    size = experiment.learner.environment.observation_space.shape[0]
    seen = np.resize(observations, (50, size))
    expected = tf.function(experiment.greedy, jit_compile=True, autograph=False)(seen).numpy()
    newest = max((run / "checkpoints").glob("checkpoint_*.npz"))
    for place in (run, str(run), newest, exported):
        policy = rl.load(place)
        np.testing.assert_array_equal(policy.act(seen), expected)
        assert policy.act(seen[3]).shape == () and policy.act(seen[3]) == expected[3]
        assert policy.act(seen[3].tolist()) == expected[3]
        assert policy.steps == 256
        assert (policy.observation_space["shape"], policy.action_space["kind"]) == ([size], "Discrete")
        assert str(policy).endswith("256 steps)")
        kernel = policy.weights["torso/dense_0/kernel"]
        np.testing.assert_array_equal(kernel, experiment.variables.weights["torso"][0])
    policy = rl.load(run)
    assert policy.settings["agent.gamma"] == config.agent.gamma
    np.testing.assert_array_equal(policy.metrics.steps, 32 * np.arange(1, 9))
    assert rl.load(exported).settings["evaluation"]["episodes"] == 4
    assert rl.load(exported).settings["agent"] == "PPO"
    assert len(rl.load(exported).metrics.steps) == 0
    assert rl.load(sorted((run / "checkpoints").glob("checkpoint_*.npz"))[0]).steps == 128
    assert rl.load(run, checkpoint="best").steps == 256


def test_it_acts_with_what_its_weights_hold(run, observations):
    policy = rl.load(run)
    seen = np.resize(observations, (50, policy.observation_space["shape"][0]))
    bias = policy.weights["policy/logits/bias"]
    for action in range(policy.action_space["n"]):
        bias.assign(1e6 * tf.one_hot(action, policy.action_space["n"]))
        assert (policy.act(seen) == action).all()


def test_bad_input_gets_one_sentence(run, tmp_path):
    policy = rl.load(run)
    size = policy.observation_space["shape"][0]
    for wrong, sentence in (
        (np.zeros(size + 1), rf"has shape \({size + 1},\); it must be \[{size}\], or \[N, {size}\] for a batch"),
        (np.zeros((0, size)), "has shape"),
        (np.array(["a"] * size), "has dtype <U1; it must be float32"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            policy.act(wrong)
    with pytest.raises(ConfigError, match=r"does not exist; give a run directory, a checkpoint or an exported folder"):
        rl.load(tmp_path / "none")
    (tmp_path / "thesis.npz").write_text("")
    for place in (tmp_path, tmp_path / "thesis.npz"):
        with pytest.raises(ConfigError, match=r"is no run directory \(no .hydra/config.yaml\)"):
            rl.load(place)


def test_a_damaged_export_is_named(exported, tmp_path):
    (tmp_path / "policy.json").write_bytes((exported / "policy.json").read_bytes())
    with pytest.raises(ConfigError, match="holds no readable SavedModel"):
        rl.load(tmp_path)
    (tmp_path / "policy.json").write_text("{")
    with pytest.raises(ConfigError, match=r"policy.json is damaged: it is not valid JSON"):
        rl.load(tmp_path)


def test_export_refuses_what_it_cannot_use(root, run, exported):
    for arguments, sentence in (
        (("run", "--out", "policy"), "--out policy exists already, and nothing is replaced"),
        (("nothing", "--out", "new"), "nothing is not a run directory"),
        (("run", "--out", "new", "--checkpoint", "none.npz"), "there is no such file"),
    ):
        result = inside.call(root, run.parent, "export.py", *arguments)
        assert (result.returncode, result.stderr.count("\n")) == (2, 1)
        assert sentence in result.stderr
    assert not (run.parent / "new").exists()
