"""evaluate.py with sampled actions and in other environments."""

import json
import math

import inside
import numpy as np
import pytest
import tensorflow as tf

from rl.environments.compiled import CartPole
from rl.randomness import uniforms
from rl.runs.evaluation import Evaluator


@pytest.fixture(scope="module")
def runs(root, tmp_path_factory):
    """A folder with a run of each kind of environment, hardly trained."""
    folder = tmp_path_factory.mktemp("runs")
    for name, environment in (("compiled", "compiled/cartpole"), ("gymnasium", "cartpole")):
        overrides = (f"environment={environment}", "steps=256", "probe=none", f"hydra.run.dir={name}")
        inside.train(root, folder, *overrides)
    return folder


def evaluate(root, folder, *arguments):
    result = inside.call(root, folder, "evaluate.py", *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_sampled_actions_are_reproducible_and_others_than_greedy_ones(root, runs):
    command = ("compiled", "--episodes", "20", "--json")
    greedy = json.loads(evaluate(root, runs, *command))
    sampled = json.loads(evaluate(root, runs, *command, "--sampled"))
    assert (greedy["actions"], sampled["actions"]) == ("greedy", "sampled")
    assert sampled["returns"] != greedy["returns"]
    assert json.loads(evaluate(root, runs, *command, "--sampled")) == sampled
    assert json.loads(evaluate(root, runs, *command, "--sampled", "--seed", "1"))["returns"] != sampled["returns"]


def test_other_arguments_of_the_environment_are_used_and_said(root, runs):
    for run, key in (("compiled", "max_episode_steps"), ("gymnasium", "kwargs.max_episode_steps")):
        said = evaluate(root, runs, run, "--episodes", "4", "--environment", f"{key}=5")
        before = 500 if run == "compiled" else None  # CartPole cannot fall within five steps
        assert said == (
            f"5.00 ± 0.00 over 4 episodes, 5.0 to 5.0; greedy actions, environment.{key}=5 (in training {before})\n"
        )
    options = ("--episodes", "4", "--json", "--sampled", "--environment", "max_episode_steps=3")
    printed = json.loads(evaluate(root, runs, "compiled", *options))
    assert printed["returns"] == [3.0] * 4
    assert printed["environment"] == {"max_episode_steps": 3}


@pytest.mark.parametrize(
    ("run", "given", "message"),
    [
        ("compiled", "max_episode_steps=0", "environment.max_episode_steps is 0; it must be"),
        ("compiled", "max_episode_step=9", "environment.max_episode_step is unknown; did you mean max_episode_steps"),
        ("compiled", "max_episode_steps=1,2", "--environment is 'max_episode_steps=1,2'; it must be KEY=VALUE"),
        ("compiled", "max_episode_steps", "--environment is 'max_episode_steps'; it must be KEY=VALUE"),
        ("compiled", "_target_=os.getcwd", "--environment is '_target_=os.getcwd'; it must be KEY=VALUE"),
        ("gymnasium", "id=Acrobot-v1 vectorization=sync", "environment: its observation_space is Box("),
        ("gymnasium", "id=os:Thing-v0", "only code of rl is called unasked"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(root, runs, run, given, message):
    options = [word for one in given.split() for word in ("--environment", one)]
    result = inside.call(root, runs, "evaluate.py", run, "--episodes", "2", *options)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_the_actions_have_the_distribution_of_the_policy():
    """A policy that pushes right in a tenth of the steps: the share of its actions, within five standard deviations."""
    chosen = []

    def policy(observation, noise):
        action = tf.cast(noise[:, 0] < 0.1, tf.int32)
        tf.py_function(lambda x: chosen.append(x.numpy()), [action], [])
        return action

    def noise(seed, shape):
        return uniforms(seed, (*shape, 1))

    class Eager(CartPole):
        compiled = False

    evaluator = Evaluator(
        lambda num_envs: Eager(num_envs=num_envs, max_episode_steps=500),
        policy,
        episodes=100,
        num_envs=100,
        max_steps=1000,
        noise=noise,
    )
    (evaluation,) = evaluator.run([tf.constant([3, 4])])
    actions = np.concatenate(chosen)
    assert len(actions) > 1000
    assert abs(actions.mean() - 0.1) < 5 * math.sqrt(0.1 * 0.9 / len(actions))
    assert evaluation.returns.min() >= 8
