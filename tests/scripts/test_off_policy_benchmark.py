"""benchmark.py off_policy: the same settings for all, updates alone in the time, and the products of a real update."""

import argparse
import importlib.util
import math
import sys
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from benchmarks import off_policy, update_products
from benchmarks.runs import update_rate

from rl.instruments.replay import replay, rows_of
from rl.learning.drawing import drawn
from rl.learning.state import read
from rl.runs.layout import METRICS, SUMMARY

SMALL = update_products.UpdateShape(observation=3, action=1, batch=6, width=11)
"""Sizes that differ, so that a product's shape tells which one it is."""


@pytest.fixture
def arguments():
    """The command's arguments without any option, and others in their place."""
    parser = argparse.ArgumentParser()
    off_policy.add(parser.add_subparsers())
    return lambda *options: parser.parse_args(["off_policy", *options])


@pytest.fixture
def peer(root, monkeypatch):
    """A peer's settings for some options."""
    spec = importlib.util.spec_from_file_location("sb3_offpolicy", root / "scripts" / "peers" / "sb3_offpolicy.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def settings(*options):
        monkeypatch.setattr(sys, "argv", ["sb3_offpolicy.py", *options])
        return module.parse_args()

    return settings


@pytest.mark.parametrize("agent", ["sac", "td3"])
@pytest.mark.parametrize(
    "options", [(), ("--num-envs", "4", "--steps", "2000", "--threads", "1")], ids=["default", "4"]
)
def test_the_peers_are_given_what_we_are(compose, arguments, peer, agent, options):
    given = arguments(*options)
    ours, theirs = compose(*off_policy.settings(agent, given)), peer(*off_policy.peer_options(agent, given))
    assert (theirs.algo, theirs.env) == (agent, "Pendulum-v1")
    assert ours.environment._target_.endswith(".Pendulum")
    assert (ours.num_envs, ours.threads) == (theirs.num_envs, theirs.threads)
    assert (ours.agent.update_to_data, ours.agent.rollout_length) == (theirs.updates_per_step, 1)
    assert (ours.agent.batch_size, ours.replay.capacity) == (theirs.batch_size, theirs.buffer_size)
    assert (ours.agent.gamma, ours.frozen.target.tau, ours.optimizer.learning_rate) == (
        theirs.gamma,
        theirs.tau,
        theirs.lr,
    )
    assert list(ours.network.torso.widths) == list(ours.agent.critic_widths) == [theirs.hidden] * 2
    assert agent == "sac" or ours.agent.exploration_noise == theirs.exploration_noise
    # What the peer has no option for.
    assert (ours.optimizer.epsilon, ours.optimizer.schedule, ours.optimizer.clip_norm) == (1e-8, "constant", None)
    assert (ours.network.torso.activation, ours.network.shared, ours.agent.n_step) == ("relu", False, 1)
    if agent == "td3":
        assert (ours.agent.target_noise, ours.agent.target_noise_clip, ours.agent.actor_every) == (0.2, 0.5, 2)
    else:
        assert (ours.agent.initial_temperature, ours.agent.target_entropy) == (1.0, None)


def test_only_iterations_with_updates_are_timed(tmp_path):
    """Two iterations of 250 updates at 250 and 500 steps/s take 1 s and 0.5 s; two runs learn beside each other."""
    table = "step,update/count/critic,update/count/actor,time/steps_per_second\n"
    table += "250,,,1000\n500,250,125,250\n750,250,125,500\n"
    for seed in ("seed-0", "seed-1"):
        (tmp_path / seed).mkdir()
        (tmp_path / seed / SUMMARY).write_text("{}")
        (tmp_path / seed / METRICS).write_text(table)
    assert update_rate(tmp_path) == pytest.approx(2 * 500 / 1.5)


def test_ratios_are_medians_of_the_rounds_ratios():
    """Ratios to SBX 2, 4 and 1, where that of the medians would be 3; shares ¼, 1 and ¾."""
    rates = {"ours": [100.0, 400.0, 300.0], "SBX": [50.0, 100.0, 300.0], "matrix products alone": [400.0] * 3}
    ours, peer, products = off_policy.lines("sac", rates)
    assert ours == ["SAC", "ours", "300 (100 to 400)", "2.00 (1.00 to 4.00)", "75% (25% to 100%)"]
    assert (peer[3], products[4]) == ("–", "–")
    rates = {"shared torso, `sum`": [300.0, 400.0], "shared torso, `pcgrad`": [200.0, 200.0]}
    assert off_policy.rows_lines(rates)[1] == ["`pcgrad`", "200 (200 to 200)", "1.75 (1.50 to 2.00)"]


def multiplications(function) -> Counter:
    """{sizes of a matrix product, in order of size: how often a function's results need one}.

    A head's are left out: they are products with one vector, or with two equal rows.
    """
    graph = tf.function(function, autograph=False).get_concrete_function().graph
    found, waiting, seen = Counter(), [tensor.op for tensor in graph.outputs], set()
    while waiting:
        operation = waiting.pop()
        if operation.name in seen:
            continue
        seen.add(operation.name)
        waiting += [tensor.op for tensor in operation.inputs]
        if operation.type in ("MatMul", "BatchMatMulV2"):
            (x, y), (m, n) = operation.inputs, operation.outputs[0].shape
            k = math.isqrt(x.shape.num_elements() * y.shape.num_elements() // (m * n))
            found[tuple(sorted((m, k, n)))] += 1
    return Counter({sizes: count for sizes, count in found.items() if sizes[0] > 2})


@pytest.mark.parametrize("agent", ["sac", "td3"])
def test_the_products_are_those_of_a_real_update(build, agent):
    """Those of the agent's own rows: of SAC's one update, or of TD3's critics twice and of its actor once."""
    sizes = (
        f"network.torso.widths=[{SMALL.width},{SMALL.width}]",
        f"agent.critic_widths=[{SMALL.width},{SMALL.width}]",
    )
    experiment = build(
        f"agent={agent}",
        "environment=compiled/pendulum",
        "num_envs=1",
        f"agent.batch_size={SMALL.batch}",
        "replay.capacity=300",
        *sizes,
    )
    learner, state = experiment.learner, read(experiment.variables)

    def update(name):
        return replay(learner, state._replace(sources={}), drawn(learner, state, 0)[0], update=name).minibatch(0)

    real = Counter()
    for name, times in {"sac": {"update": 1}, "td3": {"critic": 2, "actor": 1}}[agent].items():
        own = multiplications(lambda name=name: rows_of(learner, update(name)).gradients)
        real += Counter({shape: times * count for shape, count in own.items()})
    networks, batch = update_products.initial(agent, SMALL)
    step = {"sac": update_products.sac_update, "td3": update_products.td3_updates}[agent]
    bare = multiplications(lambda: step(networks, batch))
    large = (SMALL.batch, SMALL.width, SMALL.width)
    assert bare[large] == real[large] == {"sac": 16, "td3": 23}[agent]
    assert bare == real


@pytest.mark.parametrize("agent", ["sac", "td3"])
def test_the_products_move_every_kernel_and_are_timed(agent):
    networks, batch = update_products.initial(agent, SMALL)
    step = {"sac": update_products.sac_update, "td3": update_products.td3_updates}[agent]
    for before, after in zip(tf.nest.flatten(networks), tf.nest.flatten(step(networks, batch)), strict=True):
        assert (before.numpy() != after.numpy()).any()
        np.testing.assert_allclose(after, before, atol=1e-5)
    assert 0.0 < update_products.measurement(agent, SMALL)(at_least=1e-3) < 1.0
