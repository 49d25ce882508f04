"""Exported policies: the actions of evaluation, bit for bit, in a process that has TensorFlow alone."""

import importlib.util
import json
import os
import subprocess
import sys
import sysconfig

import numpy as np
import pytest
import tensorflow as tf

from rl.errors import ConfigError
from rl.learning.seeds import Purpose, fold, run_seed
from rl.runs.evaluation import Evaluator
from rl.runs.export import described, export, read_policy
from rl.runs.exported import ExportedPolicy
from rl.spaces import Box, Dict, Discrete, MultiBinary, unbounded

SMALL = ("network.torso.widths=[16]", "num_envs=2")
CASES = {
    "PPO": ("environment=compiled/cartpole",),
    "PPO, normalised": ("environment=pendulum", "normalize.observations=true"),
    "SAC": ("agent=sac", "environment=compiled/pendulum", "replay.capacity=2000", "agent.critic_widths=[8]"),
    "frames": ("environment=compiled/minatar/breakout", "network=pixels"),
}
ALONE = """
import sys
sys.path.append(sys.argv[1])
import importlib.util
assert importlib.util.find_spec("rl") is None
import numpy as np, tensorflow as tf
for folder in sys.argv[2:]:
    policy = tf.saved_model.load(folder)
    observations = np.load(folder + ".npy")
    actions, memory = policy.act(observations, policy.initial_memory(len(observations)))
    one, memory = policy.act(observations[:1], policy.initial_memory(1))
    assert memory == () and (one[0].numpy() == actions[0].numpy()).all()
    served = policy.signatures["serving_default"](observation=tf.constant(observations))["action"]
    assert (served.numpy() == actions.numpy()).all()
    np.save(folder + ".actions.npy", actions.numpy())
"""


def observations_of(space):
    generator = np.random.default_rng(0)
    if space.dtype == tf.uint8:
        return generator.integers(0, 2, (1000, *space.shape)).astype(np.uint8)
    return generator.normal(0.3, 2.0, (1000, *space.shape)).astype(np.float32)


def in_evaluation(experiment, observations):
    """The greedy actions as the evaluation's program computes them, within the environment's bounds."""
    compiled, space = experiment.learner.environment.compiled, experiment.learner.environment.action_space
    actions = tf.function(experiment.greedy, jit_compile=compiled, autograph=False)(observations).numpy()
    return np.clip(actions, space.low, space.high) if isinstance(space, Box) else actions


@pytest.fixture(scope="module")
def experiments(build_apart):
    """{case: experiment}, with weights and statistics that matter."""
    made = {}
    for name, overrides in CASES.items():
        small = () if name == "frames" else SMALL
        experiment = made[name] = build_apart(*overrides, *small)
        statistics = experiment.variables.normalizer.observation
        statistics.count.assign(100.0)
        statistics.mean.assign(tf.fill(statistics.mean.shape, tf.constant(0.25, tf.float64)))
        statistics.m2.assign(tf.fill(statistics.m2.shape, tf.constant(42.0, tf.float64)))
        for variable in experiment.variables.weights["policy"]:  # the initial policy head is close to 0
            variable.assign(variable + tf.random.stateless_normal(variable.shape, (1, 2)))
    return made


@pytest.fixture(scope="module")
def exported(experiments, tmp_path_factory):
    """{case: (observations, folder)}."""
    folders = {}
    for name, experiment in experiments.items():
        folder = tmp_path_factory.mktemp("exported") / name.split(",")[0].lower()
        export(experiment, folder, {"agent": name, "steps": 7})
        observations = observations_of(experiment.learner.environment.observation_space)
        np.save(f"{folder}.npy", observations)
        folders[name] = observations, folder
    return folders


def test_it_acts_as_the_evaluation_in_a_process_with_tensorflow_alone(experiments, exported):
    numerics = [read_policy(folder)["environment_variables"] for _, folder in exported.values()]
    assert all(one == numerics[0] and one["TF_ENABLE_ONEDNN_OPTS"] == "0" for one in numerics)
    result = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            ALONE,
            sysconfig.get_path("purelib"),
            *(str(f) for _, f in exported.values()),
        ],
        env={"PATH": os.environ["PATH"], **numerics[0]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    for name, (observations, folder) in exported.items():
        actions = np.load(f"{folder}.actions.npy")
        np.testing.assert_array_equal(actions, in_evaluation(experiments[name], observations), err_msg=name)
        assert len(np.unique(actions)) > (1 if name in ("PPO", "frames") else 100)


def test_statistics_and_bounds_are_inside(experiments, exported):
    experiment, (observations, folder) = experiments["PPO, normalised"], exported["PPO, normalised"]
    policy = tf.saved_model.load(str(folder))
    actions = policy.act(observations, ())[0].numpy()
    assert actions.min() == -2.0
    assert actions.max() == 2.0
    # By hand: (x − mean)/√(m2/count), a tanh layer, a linear mean.
    kernel, bias, mean_kernel, mean_bias = (
        policy.weights[name].numpy()
        for name in (
            "torso/dense_0/kernel",
            "torso/dense_0/bias",
            "policy/gaussian/mean/kernel",
            "policy/gaussian/mean/bias",
        )
    )
    seen = np.clip((observations - 0.25) / np.sqrt(0.42), -10, 10)
    assert experiment.learner.normalizer.clip == 10.0
    expected = np.tanh(seen @ kernel + bias) @ mean_kernel + mean_bias
    np.testing.assert_allclose(actions, np.clip(expected, -2, 2), rtol=1e-4, atol=1e-5)


def test_an_evaluation_by_the_exported_policy_has_the_same_returns(experiments, exported):
    experiment, policy = experiments["PPO"], tf.saved_model.load(str(exported["PPO"][1]))
    seed = fold(run_seed(0), Purpose.EVALUATION)
    returns = [
        Evaluator(
            lambda num_envs: experiment.make_environment(num_envs=num_envs), act, episodes=4, num_envs=4, max_steps=500
        )
        .run([seed])[0]
        .returns
        for act in (experiment.greedy, lambda observation: policy.act(observation, policy.initial_memory(4))[0])
    ]
    np.testing.assert_array_equal(*returns)
    assert len(set(returns[0])) > 1


def test_it_keeps_the_weights_that_it_was_made_with(experiments):
    experiment = experiments["PPO"]
    policy = ExportedPolicy(experiment)
    observations = observations_of(experiment.learner.environment.observation_space)
    before = policy.act(observations, ())[0].numpy()
    weights = experiment.variables.weights["policy"]
    kept = [variable.numpy() for variable in weights]
    for variable in weights:
        variable.assign(-variable)
    np.testing.assert_array_equal(policy.act(observations, ())[0], before)
    assert (in_evaluation(experiment, observations) != before).any()
    for variable, array in zip(weights, kept, strict=True):
        variable.assign(array)


def test_policy_json_and_readme_say_what_it_is(exported):
    about = read_policy(exported["SAC"][1])
    assert (about["agent"], about["steps"], about["memory"], about["compiled"]) == ("SAC", 7, [], True)
    assert about["action_space"] == {"kind": "Box", "shape": [1], "dtype": "float32", "low": -2.0, "high": 2.0}
    assert read_policy(exported["PPO"][1])["action_space"] == {
        "kind": "Discrete",
        "n": 2,
        "shape": [],
        "dtype": "int64",
    }
    text = (exported["frames"][1] / "README.md").read_text()
    assert "`float32` [n, 10, 10, 4]" in text
    assert 'tf.saved_model.load("frames")' in text
    assert "{" not in text


def test_spaces_as_json():
    low = np.array([-1.0, -2.0], np.float32)
    assert described(Box(low, -low)) == {
        "kind": "Box",
        "shape": [2],
        "dtype": "float32",
        "low": [-1.0, -2.0],
        "high": [1.0, 2.0],
    }
    nested = described(Dict({"seen": unbounded((3,)), "moves": Discrete(4), "bits": MultiBinary(2)}))
    assert nested["spaces"]["seen"]["low"] is None
    assert (nested["spaces"]["moves"]["n"], nested["spaces"]["bits"]["shape"]) == (4, [2])
    json.dumps(nested, allow_nan=False)


def test_nothing_is_replaced(experiments, exported, tmp_path):
    for taken in (exported["PPO"][1], tmp_path / "file"):
        (tmp_path / "file").write_text("mine")
        with pytest.raises(ConfigError, match=r"--out .* exists already, and nothing is replaced"):
            export(experiments["PPO"], taken, {})
    assert (tmp_path / "file").read_text() == "mine"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]  # no half of an export
    with pytest.raises(ConfigError, match=r"policy.json cannot be read"):
        read_policy(tmp_path)


@pytest.mark.skipif(importlib.util.find_spec("tf2onnx") is not None, reason="tf2onnx is installed")
def test_onnx_names_its_extra(experiments, tmp_path):
    with pytest.raises(ConfigError, match=r"--onnx needs the extra `onnx`: pip install 'tapestry-rl\[onnx\]'"):
        export(experiments["PPO"], tmp_path / "out", {}, onnx=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", CASES)
def test_onnx_acts_alike(experiments, tmp_path, name):
    pytest.importorskip("tf2onnx")
    runtime = pytest.importorskip("onnxruntime")
    experiment = experiments[name]
    export(experiment, tmp_path / "out", {}, onnx=True)
    session = runtime.InferenceSession(tmp_path / "out" / "policy.onnx")
    observations = observations_of(experiment.learner.environment.observation_space)
    (actions,) = session.run(["action"], {"observation": observations})
    expected = in_evaluation(experiment, observations)
    if expected.dtype == np.int64:
        np.testing.assert_array_equal(actions, expected)
    else:  # other matrix products and another tanh
        np.testing.assert_allclose(actions, expected, rtol=1e-5, atol=1e-5)
