"""The residual family through a watched target copy: what the rows are, and Baird's star."""

import itertools
from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf

from rl.environments.compiled.tabular import Baird
from rl.errors import ConfigError
from rl.estimators import gradient_correction_loss, residual_loss, td_error
from rl.frozen import FrozenState, Hard, freeze
from rl.gradients import LIVE, At, Objective, onto_live, watched_rows
from rl.instruments.replay import replay, rows_of
from rl.learning.collecting import collect
from rl.learning.state import read
from rl.networks import OBSERVATION
from rl.updates import UpdateRule, apply_step
from rl.updates.combiners import Sum
from rl.updates.optimizers import SGD

SMALL = ("num_envs=4", "agent.rollout_length=16", "network.torso.widths=[8,8]", "environment=compiled/cartpole")
NEW = ("frozen=target_hard", "frozen.target.every_updates=1")  # a copy that is never older than the live weights


def played_of(build, *overrides):
    experiment = build(*SMALL, *NEW, *overrides)
    learner, state = experiment.learner, read(experiment.variables)
    state, trajectory = collect(learner, state, learner.rollout_noise(state.seed, state.iteration))
    return replay(learner, state, trajectory)


def minibatch_of(build, *overrides):
    played = played_of(build, *overrides)
    return played.learner, played.minibatch(0)


def row(learner, minibatch, objective):
    return onto_live(rows_of(learner, minibatch).gradients[objective])


def transitions_of(minibatch):
    """Observations, rewards, discounts and successors."""
    batch = minibatch.batch
    return batch.observation, batch.reward, batch.discount, batch.next_observation


def full_gradient(learner, minibatch, eta=1.0):
    """∇ of the mean of ½ (r + γ v(s') − v(s))², both values by the live weights; η on the successor's share."""
    observation, reward, discount, successor = transitions_of(minibatch)
    network, weights = learner.model.network, {part: minibatch.weights[part] for part in ("torso", "value")}

    def value(x):
        return network.apply(weights, {OBSERVATION: x}, ("value",))["value"][:, 0]

    with tf.GradientTape() as tape:
        tape.watch(tf.nest.flatten(weights))
        v, successor_v = value(observation), value(successor)
        scaled = eta * successor_v + (1 - eta) * tf.stop_gradient(successor_v)
        loss = tf.reduce_mean(0.5 * tf.square(reward + discount * scaled - v))
    return tape.gradient(loss, weights)


def assert_equal(one, other, scale=1e-6):
    largest = max(np.abs(x).max() for part in other for x in other[part])
    for part, tensors in other.items():
        for a, b in zip(one[part], tensors, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=scale * largest)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_semi_gradient_and_through_target_are_the_residual_gradient_at_equal_weights(build, eta):
    learner, minibatch = minibatch_of(build, "agent/bootstrap=residual", f"agent.bootstrap.eta={eta}")
    assert_equal(row(learner, minibatch, "value"), full_gradient(learner, minibatch, eta))


def test_the_two_terms_come_from_the_live_weights_and_from_the_copy(build):
    """With a copy that is not the live weights: δ has its values, and each term is at its own weights."""
    learner, minibatch = minibatch_of(build, "agent/bootstrap=residual", "agent.bootstrap.eta=0.5")
    random, (observation, reward, discount, successor) = np.random.default_rng(0), transitions_of(minibatch)
    live, copy = minibatch.weights, minibatch.roles["target"]
    old = tf.nest.map_structure(lambda w: w + tf.constant(random.normal(size=w.shape), tf.float32), copy)
    minibatch = minibatch._replace(roles={**minibatch.roles, "target": old})
    raw = rows_of(learner, minibatch).gradients["value"]
    assert sorted(raw) == [At(role, part) for role in (LIVE, "target") for part in ("torso", "value")]

    def slope(weights, x, factor):
        own = {part: weights[part] for part in ("torso", "value")}
        with tf.GradientTape() as tape:
            tape.watch(tf.nest.flatten(own))
            v = learner.model.network.apply(own, {OBSERVATION: x}, ("value",))["value"][:, 0]
            mean = tf.reduce_mean(factor * v)
        return v, tape.gradient(mean, own)

    v, _ = slope(live, observation, 0.0)
    v_t, _ = slope(old, successor, 0.0)
    error = reward + discount * v_t - v
    assert_equal({part: raw[At(LIVE, part)] for part in ("torso", "value")}, slope(live, observation, -error)[1])
    through = slope(old, successor, 0.5 * discount * error)[1]
    assert_equal({part: raw[At("target", part)] for part in ("torso", "value")}, through)


def test_the_update_moves_the_live_weights_by_both_terms(build):
    settings = ("agent/bootstrap=residual", "optimizer=sgd", "optimizer.learning_rate=1.0", "optimizer.clip_norm=null")
    coefficients = [f"agent.coefficients.{name}" for name in ("policy=0.0", "value=1.0", "entropy=0.0")]
    for combiner in ("sum", "mean"):  # one backward pass, and rows
        played = played_of(build, *settings, *coefficients, f"combiner={combiner}")
        learner, minibatch = played.learner, played.minibatch(0)
        step = played.propose(minibatch).step
        share = -1.0 if combiner == "sum" else -0.5
        whole = full_gradient(learner, minibatch)
        assert_equal({"torso": step.delta["torso"]}, {"torso": tuple(share * g for g in whole["torso"])}, 2e-6)
        assert_equal({"value": step.delta["value"]}, {"value": tuple(-g for g in whole["value"])}, 2e-6)


def test_tdc_sends_the_estimate_of_the_error_through_the_copy_and_fits_it_with_its_own_head_alone(build):
    learner, minibatch = minibatch_of(build, "agent/bootstrap=tdrc")
    observation, reward, discount, successor = transitions_of(minibatch)
    network, some = learner.model.network, np.random.default_rng(0)
    head = tuple(tf.constant(some.normal(size=w.shape), tf.float32) for w in minibatch.weights["correction"])
    minibatch = minibatch._replace(roles={**minibatch.roles, LIVE: {**minibatch.weights, "correction": head}})
    rows = rows_of(learner, minibatch).gradients
    assert sorted(rows["correction"]) == [At(LIVE, "correction")]

    weights = {part: minibatch.weights[part] for part in ("torso", "value")}
    v, h = (
        network.apply(minibatch.weights, {OBSERVATION: observation}, (name,))[name][:, 0]
        for name in ("value", "correction")
    )
    error = reward + discount * network.apply(weights, {OBSERVATION: successor}, ("value",))["value"][:, 0] - v
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([*tf.nest.flatten(weights), *head])
        at, beyond = (
            network.apply(weights, {OBSERVATION: x}, ("value",))["value"][:, 0] for x in (observation, successor)
        )
        mapped = tf.reduce_mean(-error * at + discount * h * beyond)
        estimate = network.apply({**minibatch.weights, "correction": head}, {OBSERVATION: observation}, ("correction",))
        fit = tf.reduce_mean(0.5 * tf.square(error - estimate["correction"][:, 0]))
        fit += 0.5 * tf.add_n([tf.reduce_sum(tf.square(w)) for w in head])
    assert_equal(onto_live(rows["value"]), tape.gradient(mapped, weights), 2e-6)
    assert_equal(
        {"correction": rows["correction"][At(LIVE, "correction")]}, {"correction": tape.gradient(fit, head)}, 2e-6
    )


@pytest.mark.parametrize("choice", ["residual", "tdc", "tdrc"])
@pytest.mark.parametrize("shared", [True, False])
def test_the_audit_finds_the_copy_in_the_values_row_alone(build, choice, shared):
    (table,) = build(*SMALL, *NEW, f"agent/bootstrap={choice}", f"network.shared={shared}").audit().values()
    reached = {name: {weight for weight, kind in row.items() if kind != "none"} for name, row in table.items()}
    assert any(weight.startswith("target/") for weight in reached["value"])
    for name in set(table) - {"value"}:
        assert not any(weight.startswith("target/") for weight in reached[name])
    if choice != "residual":
        assert {weight.split("/")[0] for weight in reached["correction"]} == {"correction"}


def test_all_of_it_trains_as_one_program_and_the_copy_stays_the_live_weights(build):
    experiment = build(*SMALL, *NEW, "agent/bootstrap=tdrc", "combiner=pcgrad", "steps=2000")
    before = [w.numpy() for w in experiment.variables.weights["correction"]]
    experiment.programs(probe_every=2).iterate(2)
    for part, tensors in experiment.variables.weights.items():
        for live, copy in zip(tensors, experiment.variables.frozen["target"].weights[part], strict=True):
            np.testing.assert_array_equal(live, copy)
    after = [w.numpy() for w in experiment.variables.weights["correction"]]
    assert max(np.abs(a - b).max() for a, b in zip(after, before, strict=True)) > 0


def test_policy_and_entropy_do_not_notice_the_bootstrap(build):
    rows = []
    for choice in (["agent.bootstrap.of=target"], ["agent/bootstrap=residual"]):
        learner, minibatch = minibatch_of(build, *choice)
        rows.append(rows_of(learner, minibatch).gradients)
    for name in ("policy", "entropy"):
        for a, b in zip(rows[0][name][At(LIVE, "torso")], rows[1][name][At(LIVE, "torso")], strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["agent/bootstrap=residual"], "frozen=target_polyak"),
        (["agent/bootstrap=residual", *NEW, "agent.bootstrap.eta=-1"], "agent.bootstrap.eta is -1"),
        (["agent/bootstrap=tdc", *NEW, "agent.value_loss=clipped"], "agent.value_loss is 'clipped'"),
        (["agent/bootstrap=tdc", *NEW, "agent.bootstrap.correction.regularization=-1"], "regularization is -1"),
        (["agent.bootstrap.of=later"], "agent.bootstrap.of is 'later'"),
        (
            ["agent.bootstrap=target"],
            "agent.bootstrap is 'target'; it must hold .*: choose agent/bootstrap=",
        ),
        (
            ["environment=compiled/tabular/chain", "probe=oracle", *NEW, "agent/bootstrap=tdc"],
            "probe.oracle is true, but agent/bootstrap",
        ),
    ],
)
def test_what_does_not_fit_is_said_at_once(build, overrides, says):
    with pytest.raises(ConfigError, match=says):
        build(*SMALL, *overrides)


# Baird's star (Sutton & Barto 2018, example 11.1): behaviour dashed 6/7 and solid 1/7, target solid, γ = 0.99.
GAMMA = 0.99
START = np.array([1, 1, 1, 1, 1, 1, 10, 1], np.float32)


def star(kind, updates, learning_rate, *, fit=0.0, batches=None):
    """The largest |v| and the mean squared projected Bellman error along the way.

    Linear values on the star's features; the copy is made of frozen variables, watched, and as new as the live weights;
    an update rule applies what comes. Without `batches` (of states, successors and importance ratios) the expected
    update under the behaviour's uniform distribution of states is made.
    """
    features = Baird(num_envs=1, max_episode_steps=None).features
    live = {"value": (tf.Variable(START, name="value/w"),), "correction": (tf.Variable(tf.zeros(8), name="h/w"),)}
    copy = FrozenState(freeze("target", live), tf.zeros(()))
    objectives = [
        Objective("value", 1.0, {LIVE: ("value",), "target": ("value",)}),
        Objective("correction", fit / learning_rate, {LIVE: ("correction",)}),
    ]
    rule = UpdateRule(
        objectives=objectives,
        groups={"critic": ["value", "correction"]},
        names={part: (f"{part}/w",) for part in live},
        heads=(),
        combiner=Sum(scope="global", row_weights=None),
        optimizer=SGD(
            learning_rate=learning_rate,
            head_learning_rate=None,
            rates={},
            schedule="constant",
            clip_norm=None,
            clip_value=None,
        ),
    )
    state, schedule = rule.init(live), Hard(every_updates=1)

    def losses_on(states, successors, ratio):
        x, successor = tf.gather(features, states), tf.gather(features, successors)

        def losses(roles):
            weights = roles[LIVE]
            v, h = (tf.linalg.matvec(x, weights[part][0]) for part in ("value", "correction"))
            v_t = tf.linalg.matvec(successor, roles["target"]["value"][0])
            reward, discount = tf.zeros_like(v), tf.fill(v.shape, GAMMA)
            if kind in ("tdc", "tdrc"):
                value = gradient_correction_loss(v, reward, discount, v_t, h)
            else:
                value = residual_loss(v, reward, discount, v_t, eta={"semi": 0.0, "residual": 1.0}[kind])
            error = td_error(v, reward, discount, v_t)
            # δ̂ regresses ρ δ on the features of every state that was visited.
            fit_loss = tf.reduce_mean(0.5 * tf.square(h) - tf.stop_gradient(ratio * error) * h)
            penalty = 0.5 * tf.reduce_sum(tf.square(weights["correction"][0])) if kind == "tdrc" else 0.0
            return {"value": tf.reduce_mean(ratio * value), "correction": fit_loss + penalty}, None

        return losses

    @tf.function(autograph=False)
    def update(states, successors, ratio):
        roles = {LIVE: live, "target": {"value": copy.weights["value"]}}
        rows = watched_rows(losses_on(states, successors, ratio), roles, **rule.asked, watch=(LIVE, "target"))
        direction, _ = rule.combine(rows, state, tf.zeros(2, tf.int32))
        step, _ = rule.step(direction.gradient, live, state, tf.constant(0.0))
        apply_step(live, step.delta)
        new = schedule.after_update(copy, live, tf.constant(1, tf.int64))
        tf.nest.map_structure(lambda variable, tensor: variable.assign(tensor), copy.weights, new.weights)

    expected = (tf.range(7), tf.fill([7], 6), tf.ones(7))  # the ratio's mean over actions is 1, on solid's successor
    sizes, errors = [], []
    for batch in batches or itertools.repeat(expected, updates):
        update(*batch)
        weights = live["value"][0].numpy().astype(np.float64)
        sizes.append(np.abs(features @ weights).max())
        errors.append(projected_error(features.astype(np.float64), weights))
    return np.array(sizes), np.array(errors)


def projected_error(features, weights):
    """|Π (γ P v − v)|², averaged over states; v = 0 alone has none."""
    values = features @ weights
    bellman = GAMMA * values[6] - values
    projection = features @ np.linalg.pinv(features)
    return float(np.mean((projection @ bellman) ** 2))


def test_on_bairds_star_the_semi_gradient_diverges():
    sizes, errors = star("semi", 1000, 0.01 * 7)
    assert sizes[-1] > 1e3 * np.abs(START).max()
    assert errors[-1] > 1e3 * errors[0]


def test_on_bairds_star_the_residual_gradient_falls_with_every_update():
    sizes, errors = star("residual", 1000, 0.01 * 7)
    assert all(b <= a * (1 + 1e-6) for a, b in pairwise(errors))  # the projection is the identity: 7 states, 8 features
    assert errors[-1] < 1e-2 * errors[0]
    assert sizes.max() < 2 * np.abs(START).max() + 10


@pytest.mark.parametrize("kind", ["tdc", "tdrc"])
def test_on_bairds_star_gradient_corrections_do_not_diverge(kind):
    sizes, errors = star(kind, 3000, 0.005 * 7, fit=0.05 * 7)
    assert sizes.max() < 100
    assert errors[-1] < 1e-2 * errors[0]


def sampled_batches(updates, num_envs=32):
    """The star's own transitions under the behaviour policy: states, successors and importance ratios π/b, 7 or 0."""
    environment = Baird(num_envs=num_envs, max_episode_steps=None)
    random = np.random.default_rng(0)
    state, _ = environment.reset(tf.constant([0, 0], tf.int32))
    for _ in range(updates):
        before = state.inner.state
        action = (random.random(num_envs) < 1 / 7).astype(np.int64)
        uniforms = tf.constant(random.random((num_envs, environment.num_uniforms)), tf.float32)
        state, _ = environment.step(state, tf.constant(action), uniforms)
        yield before, state.inner.state, tf.constant(action * 7.0, tf.float32)


@pytest.mark.parametrize(("kind", "diverges"), [("semi", True), ("residual", False), ("tdc", False), ("tdrc", False)])
def test_so_it_is_from_the_environments_own_transitions(kind, diverges):
    sizes, errors = star(kind, 2000, 0.03, fit=0.3, batches=sampled_batches(2000))
    assert (sizes[-1] > 1e3) == diverges
    assert (errors[-1] > errors[0]) == diverges
