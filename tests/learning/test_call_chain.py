"""How far it is to read from `learn` to an agent's own loss."""

import traceback
from pathlib import Path

import pytest
import tensorflow as tf

import rl
from rl.agents import A2C, PPO
from rl.learning.collecting import collect
from rl.learning.learn import learn
from rl.learning.state import read

PACKAGE = Path(rl.__file__).parent


@pytest.mark.parametrize(("agent", "combiner"), [("ppo", "sum"), ("ppo", "pcgrad"), ("a2c", "pcgrad")])
def test_from_learn_to_an_agents_own_loss_a_reader_passes_six_calls(build, monkeypatch, agent, combiner):
    kind, chains = {"ppo": PPO, "a2c": A2C}[agent], []
    own = kind.policy_loss

    def policy_loss(self, *arguments):
        chains.append([x for x in traceback.extract_stack()[:-1] if PACKAGE in Path(x.filename).parents])
        return own(self, *arguments)

    monkeypatch.setattr(kind, "policy_loss", policy_loss)
    experiment = build(f"agent={agent}", f"combiner={combiner}", "environment=compiled/cartpole", "num_envs=4")
    learner, state = experiment.learner, read(experiment.variables)

    def iterate(state):
        return learn(learner, *collect(learner, state, learner.rollout_noise(state.seed, state.iteration)))

    tf.function(iterate, autograph=False).get_concrete_function(state)
    names = [[frame.name for frame in chain] for chain in chains]
    under_the_tape = [chain[chain.index("learn") :] for chain in names if "watched_rows" in chain]
    assert under_the_tape == [["learn", "run_phase", "body", "one_update", "watched_rows", "losses"]]
