"""Settings as inputs of compiled programs: found, replaced, and nowhere baked into a program as constants."""

import numpy as np
import tensorflow as tf

from rl.agents import PPO, Residual, SemiGradient
from rl.commands.composition import build as build_config
from rl.commands.composition import program_of
from rl.frozen import Polyak
from rl.inputs import at, below, inputs_of, with_inputs

PLAIN = {
    "gamma": 0.9,
    "lambda_": 1,
    "rollout_length": 8,
    "epochs": 2,
    "minibatches": 2,
    "normalize_advantage": True,
    "value_loss": "clipped",
    "value_clip": 0.2,
    "huber_delta": 1.0,
    "coefficients": {"policy": 1, "value": 0.5, "entropy": 0},
    "groups": {"actor": ["policy", "entropy"], "critic": ["value"]},
    "differentiate_at": "live",
    "clip": 0.1,
    "target_kl": None,
}


def test_inputs_are_the_numbers_that_are_marked_and_given():
    agent = PPO(**PLAIN, bootstrap=SemiGradient(of="live"))
    coefficients = {"coefficients.policy": 1.0, "coefficients.value": 0.5, "coefficients.entropy": 0.0}
    rest = {"gamma": 0.9, "lambda_": 1.0, "value_clip": 0.2, "huber_delta": 1.0, "clip": 0.1}
    assert inputs_of(agent) == {**rest, **coefficients}
    residual = PPO(**{**PLAIN, "value_loss": "squared"}, bootstrap=Residual(eta=0.25))
    assert inputs_of(residual) == {**rest, **coefficients, "bootstrap.eta": 0.25}
    assert inputs_of(Polyak(tau=0.5)) == {"tau": 0.5}


def test_other_numbers_are_put_into_a_copy_unchecked():
    agent = PPO(**{**PLAIN, "value_loss": "squared"}, bootstrap=Residual(eta=0.25))
    numbers = {name: tf.constant(number + 1) for name, number in inputs_of(agent).items()}
    changed = with_inputs(agent, numbers)
    assert changed.clip is numbers["clip"]
    assert changed.bootstrap.eta is numbers["bootstrap.eta"]
    assert changed.coefficients["value"] is numbers["coefficients.value"]
    assert (agent.clip, agent.bootstrap.eta, agent.coefficients["value"]) == (0.1, 0.25, 0.5)
    assert changed.rollout_length == 8
    assert changed.target_kl is None


def test_paths_are_put_before_names_and_taken_off_again():
    numbers = at("agent", {"gamma": 0.9, "coefficients.value": 1.0})
    assert numbers == {"agent.gamma": 0.9, "agent.coefficients.value": 1.0}
    assert below("agent", {**numbers, "agents.gamma": 0.0}) == {"gamma": 0.9, "coefficients.value": 1.0}


SMALL = (
    "environment=compiled/cartpole",
    "num_envs=4",
    "agent.rollout_length=16",
    "network.torso.widths=[8]",
    "probe=none",
    "combiner=pcgrad",
    "agent.target_kl=1.0",
    "agent.value_loss=clipped",
    "optimizer=adamw",
    "optimizer.clip_value=100",
    "optimizer.head_learning_rate=1e-3",
    "normalize.observations=true",
    "steps=640",
)
OTHER = (
    "steps=1000",
    "agent.gamma=0.9",
    "agent.lambda_=0.5",
    "agent.clip=0.05",
    "agent.value_clip=0.05",
    "agent.target_kl=0.02",
    "agent.coefficients={policy:0.7,value:0.3,entropy:0.02}",
    "optimizer.learning_rate=0.02",
    "optimizer.head_learning_rate=0.03",
    "optimizer.clip_norm=0.2",
    "optimizer.clip_value=0.1",
    "optimizer.weight_decay=0.1",
    "normalize.reward_scale=3.0",
    "normalize.clip=1.0",
    "seed=3",
)


def trained(programs, count):
    """The weights, and every metric logged, after `count` iterations."""
    metrics = [programs.iterate(1).metrics for _ in range(count)]
    weights = [w.numpy() for part in programs.variables.weights.values() for w in part]
    return weights, [number for one in metrics for number in one.values()]


def test_a_program_serves_other_numbers_and_their_run_is_the_one_that_it_would_be_alone(build):
    """Every input is changed, so that a constant baked into the program would show."""
    before, other = build(*SMALL), build(*SMALL, *OTHER)
    changed = {key for key, x in other.learner.hyperparameters.items() if x != before.learner.hyperparameters[key]}
    assert changed == set(before.learner.hyperparameters) - {"agent.huber_delta"}
    programs = before.programs(probe_every=1)
    first, _ = trained(programs, 3)
    traced = programs.num_traces
    later = other.started_in(before)
    assert later.variables is programs.variables
    served = trained(programs, 3)
    assert programs.num_traces == traced
    alone = trained(build(*SMALL, *OTHER).programs(probe_every=1), 3)
    for one, two in zip((*served[0], *served[1]), (*alone[0], *alone[1]), strict=True):
        np.testing.assert_array_equal(one, two)
    assert not all(np.array_equal(one, two) for one, two in zip(first, served[0], strict=True))


def test_what_a_program_depends_on_is_all_but_numbers_and_seed(compose):
    def program(*overrides):
        config = compose(*SMALL, *overrides)
        return program_of(config, build_config(config))

    assert program() == program(*OTHER)
    others = {program(changed) for changed in ("agent.target_kl=null", "agent.epochs=3", "num_envs=8", "combiner=sum")}
    assert len({program(), *others}) == 5
