"""Initial weights of heads: gain and bias as given, without effect on other parts."""

import numpy as np
import pytest

from rl.commands.composition import build
from rl.errors import ConfigError
from rl.networks import MLP, Head, actor_critic, value_head
from rl.spaces import Box, Discrete, unbounded

HEADS = {
    "policy": Head(torso="policy"),
    "value": Head(),
    "correction": Head(lambda seed: value_head(gain=0.0, bias=0.0, seed=seed, name="correction"), detached=True),
}
USUAL = {"policy_gain": 0.01, "value_gain": 1.0, "value_bias": 0.0}


def built(action_space=None, *, shared=True, heads=HEADS, **changes):
    return actor_critic(
        torso=MLP(widths=[16], activation="tanh", layer_norm=False),
        shared=shared,
        initial_log_std=0.5 if isinstance(action_space, Box) else 0.0,
        observation_space=unbounded((4,)),
        action_space=action_space or Discrete(3),
        seed=5,
        heads=heads,
        **{**USUAL, **changes},
    )


def weights(action_space=None, **changes):
    model = built(action_space, **changes)
    return {part: [w.numpy() for w in own] for part, own in model.network.initial_weights().items()}


def same(one, other):
    return all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("shared", [True, False])
def test_gain_and_bias_of_the_value_head(shared):
    usual, other = weights(shared=shared), weights(shared=shared, value_gain=10.0, value_bias=-60.0)
    kernel, bias = other["value"]
    # An orthogonal [16, 1] kernel is a unit vector times the gain; float32, of a QR decomposition of 16 numbers.
    np.testing.assert_allclose(np.linalg.norm(kernel), 10.0, rtol=1e-5)
    np.testing.assert_allclose(kernel, 10.0 * usual["value"][0], rtol=1e-6)
    np.testing.assert_array_equal(bias, [-60.0])
    np.testing.assert_array_equal(usual["value"][1], [0.0])
    assert all(same(usual[part], other[part]) for part in usual if part != "value")
    assert not np.any(other["correction"][0])
    assert not np.any(other["correction"][1])


@pytest.mark.parametrize("action_space", [Discrete(3), Box(np.full(3, -1.0), np.full(3, 1.0))], ids=["logits", "means"])
def test_gain_of_the_policy_head(action_space):
    usual, other = weights(action_space), weights(action_space, policy_gain=0.5)
    kernel = next(w for w in other["policy"] if w.shape == (16, 3))
    np.testing.assert_allclose(kernel.T @ kernel, 0.25 * np.eye(3), rtol=0, atol=1e-6)
    assert all(same(usual[part], other[part]) for part in usual if part != "policy")
    if isinstance(action_space, Box):
        np.testing.assert_array_equal(next(w for w in other["policy"] if w.shape == (3,) and w.any()), [0.5] * 3)


def added(name, **more):
    return {name: Head(lambda seed: value_head(gain=1.0, bias=0.0, seed=seed, name=name), **more)}


@pytest.mark.parametrize("shared", [True, False])
def test_a_further_head_changes_no_other_part_and_has_a_seed_of_its_own(shared):
    usual = weights(shared=shared)
    more = weights(shared=shared, heads={**HEADS, **added("first"), **added("second", torso="policy")})
    assert all(same(usual[part], more[part]) for part in usual)
    assert not np.allclose(more["first"][0], more["second"][0])
    alone = weights(shared=shared, heads={**HEADS, **added("second", torso="policy")})
    assert same(alone["second"], more["second"])


def test_a_torso_by_another_name_is_one_more():
    usual = weights(shared=False)
    more = weights(shared=False, heads={**HEADS, **added("model", torso="world")})
    assert set(more) - set(usual) == {"world_torso", "model"}
    assert all(same(usual[part], more[part]) for part in usual)
    assert not np.allclose(more["world_torso"][0], more["value_torso"][0])
    assert "world_torso" not in weights(shared=True, heads={**HEADS, **added("model", torso="world")})


def test_a_head_reads_named_inputs_after_the_torso_or_alone():
    """q = w · (features, action) + b, with 16 features and 2 numbers of an action; reward from the action alone."""
    reads = {"action": (2,)}
    heads = {**HEADS, **added("q", inputs=reads), **added("reward", torso=None, inputs=reads)}
    network = built(heads=heads).network
    assert network.reads["q"] == ("torso", "q")
    assert network.reads["reward"] == ("reward",)
    own = network.initial_weights()
    random = np.random.default_rng(0)
    observation, action = (random.normal(size=(5, n)).astype(np.float32) for n in (4, 2))
    found = network.apply(own, {"observation": observation, "action": action}, ("q", "reward", "value"))
    kernel, bias = own["torso"]
    features = np.concatenate([np.tanh(observation @ kernel + bias), action], 1)
    np.testing.assert_allclose(found["q"], features @ own["q"][0] + own["q"][1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["reward"], action @ own["reward"][0] + own["reward"][1], rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"head 'b' reads 'action' with shape \(3,\); elsewhere it is \(2,\)"):
        built(heads={**heads, **added("b", inputs={"action": (3,)})})


@pytest.mark.parametrize("key", USUAL)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, "60", None])
def test_a_start_that_is_no_finite_number_is_refused(key, value):
    with pytest.raises(ConfigError, match=rf"{key} is .*; it must be a number"):
        weights(**{key: value})


@pytest.mark.parametrize("key", ["policy_gain", "value_gain"])
def test_a_gain_is_not_negative(key):
    with pytest.raises(ConfigError, match=rf"{key} is -1\.0; it must be a number that is not negative"):
        weights(**{key: -1.0})


def test_the_keys_reach_the_network_and_the_rule(compose):
    config = compose("network.value_bias=60", "network.value_gain=0.1", "+optimizer.rates.value=10")
    learner = build(config).learner
    kernel, bias = (w.numpy() for w in learner.model.network.initial_weights()["value"])
    np.testing.assert_array_equal(bias, [60.0])
    np.testing.assert_allclose(np.linalg.norm(kernel), 0.1, rtol=1e-5)
    assert learner.rules["update"].optimizer.rates == {"value": 10}
