"""The losses of A2C and PPO: values and gradients by hand, and no gradient where none belongs.

The network is one unit h = max(0, x₀), logits h (ln 3, 0) and value 2 h + ½. All samples have x₀ = 1, so that
π = (¾, ¼) and v = 2½; for a logit, ∂ log π(a) = 1[a] − π.
"""

import math

import numpy as np
import pytest
import tensorflow as tf

from rl.agents import LIVE
from rl.agents.samples import Batch
from rl.environments import Trajectory

SMALL = ("environment=compiled/cartpole", "num_envs=2", "network.torso.widths=[1]", "network.torso.activation=relu")
LN3 = math.log(3.0)
LOG_PI = (math.log(0.75), math.log(0.25))
WEIGHTS = {
    "torso": ([[1.0], [0.0], [0.0], [0.0]], [0.0]),
    "policy": ([[LN3, 0.0]], [0.0, 0.0]),
    "value": ([[2.0]], [0.5]),
}


def weights():
    return {part: tuple(tf.constant(w, tf.float32) for w in own) for part, own in WEIGHTS.items()}


def batch(action, advantage, target, ratio=None, value=None):
    """Samples and, behind them, one that is not valid and would change every mean."""
    size = len(action)
    ratio = [1.0] * size if ratio is None else ratio
    log_prob = [LOG_PI[a] - math.log(r) for a, r in zip(action, ratio, strict=True)]
    value = [2.5] * size if value is None else value
    columns = ([*log_prob, -7.0], [*value, 60.0], [*advantage, 50.0], [*target, -90.0], [1.0] * size + [0.0])
    log_prob, value, advantage, target, valid = (tf.constant(x, tf.float32) for x in columns)
    frames = tf.tile([[1.0, 5.0, -3.0, 2.0]], (size + 1, 1))
    rest = tf.zeros(size + 1)
    action = tf.constant([*action, 1], tf.int64)
    return Batch(frames, action, log_prob, value, advantage, target, valid, rest, rest, rest, frames)


def losses_and_gradients(build, samples, *overrides):
    """{objective: loss}, {objective: {part: its gradient, None where there is none}}; all roles are watched."""
    (phase,) = build(*SMALL, *overrides).learner.phases
    roles = {LIVE: weights(), "behaviour": weights()}
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(tf.nest.flatten(roles))
        losses, diagnostics = phase.updates[0].losses(roles, samples)
    found = {name: tape.gradient(loss, roles) for name, loss in losses.items()}
    for gradients in found.values():
        assert all(x is None for x in tf.nest.flatten(gradients["behaviour"]))
    return losses, {name: gradients[LIVE] for name, gradients in found.items()}, diagnostics


def check(gradient, *, torso=None, policy=None, value=None):
    """∂L/∂h, ∂L/∂logits and ∂L/∂v decide all: h and x₀ are 1, and x₁ to x₃ are 5, −3 and 2."""
    for part, expected in (("torso", torso), ("policy", policy), ("value", value)):
        kernel, bias = gradient[part]
        if expected is None:
            assert kernel is None and bias is None, part
            continue
        inputs = [[1.0], [5.0], [-3.0], [2.0]] if part == "torso" else [[1.0]]
        np.testing.assert_allclose(kernel, np.multiply(inputs, np.atleast_1d(expected)), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(bias, np.atleast_1d(expected), rtol=1e-5, atol=1e-6)


def test_the_policy_gradient_of_a2c(build):
    """−½ (2 log ¾ − log ¼); by logits −2 (¼, −¼) and (−¾, ¾), half their sum is (−⅝, ⅝); by h: −⅝ ln 3."""
    samples = batch([0, 1], advantage=[2.0, -1.0], target=[2.5, 2.5])
    losses, gradients, _ = losses_and_gradients(build, samples, "agent=a2c")
    np.testing.assert_allclose(losses["policy"], -(2 * LOG_PI[0] - LOG_PI[1]) / 2, rtol=1e-6)
    check(gradients["policy"], policy=[-0.625, 0.625], torso=-0.625 * LN3)


@pytest.mark.parametrize("agent", ["a2c", "ppo"])
def test_the_value_and_the_entropy(build, agent):
    """Errors −½ and 1½: ½ (½² + 1½²) / 2 = ⅝, by v their mean ½, by h twice that.

    H = −¾ ln ¾ − ¼ ln ¼; −H has by logit j the gradient π_j (ln π_j + H).
    """
    samples = batch([0, 1], advantage=[0.0, 0.0], target=[3.0, 1.0])
    losses, gradients, diagnostics = losses_and_gradients(build, samples, f"agent={agent}")
    np.testing.assert_allclose(losses["value"], 0.625, rtol=1e-6)
    check(gradients["value"], value=0.5, torso=1.0)
    entropy = -0.75 * LOG_PI[0] - 0.25 * LOG_PI[1]
    np.testing.assert_allclose((losses["entropy"], diagnostics["policy/entropy"]), (-entropy, entropy), rtol=1e-6)
    by_logit = [0.75 * (LOG_PI[0] + entropy), 0.25 * (LOG_PI[1] + entropy)]
    check(gradients["entropy"], policy=by_logit, torso=by_logit[0] * LN3)


def test_the_clipped_surrogate_of_ppo(build):
    """ε = 0.2. Of four samples two move the policy:

    ρ = 1.1, A = 2    −2.2, within the clip: by logits −2.2 (¼, −¼) for action 0
    ρ = 1.5, A = 1    −1.2, clipped: no gradient
    ρ = 0.5, A = −1   0.8, clipped: no gradient
    ρ = 1.5, A = −2   3.0, the worse of both: 3 (−¾, ¾) for action 1
    """
    samples = batch([0, 0, 1, 1], [2.0, 1.0, -1.0, -2.0], [2.5] * 4, ratio=[1.1, 1.5, 0.5, 1.5])
    losses, gradients, diagnostics = losses_and_gradients(build, samples, "agent=ppo", "agent.clip=0.2")
    np.testing.assert_allclose(losses["policy"], (-2.2 - 1.2 + 0.8 + 3.0) / 4, rtol=1e-5)
    by_logit = (-2.2 * 0.25 - 3.0 * 0.75) / 4
    check(gradients["policy"], policy=[by_logit, -by_logit], torso=by_logit * LN3)
    np.testing.assert_allclose(diagnostics["policy/clip_fraction"], 0.75)
    kl = np.mean([r - 1 - math.log(r) for r in (1.1, 1.5, 0.5, 1.5)])
    np.testing.assert_allclose(diagnostics["policy/kl"], kl, rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "loss", "by_value"),
    [
        # v − old is 0.5 and −0.5, clipped to old ± 0.2: 2.2 and 2.8. Errors: max(0.5², 0.8²), max(1.5², 1.8²) / 2.
        ("clipped", 0.5 * (0.64 + 3.24) / 2, 0.0),
        # |errors| 0.5 ≤ δ = 1 ≤ 1.5: ½ · 0.25 and 1.5 − ½.
        ("huber", (0.125 + 1.0) / 2, (-0.5 + 1.0) / 2),
    ],
)
def test_other_losses_of_the_value(build, kind, loss, by_value):
    samples = batch([0, 1], [0.0, 0.0], target=[3.0, 1.0], value=[2.0, 3.0])
    losses, gradients, _ = losses_and_gradients(build, samples, "agent=ppo", f"agent.value_loss={kind}")
    np.testing.assert_allclose(losses["value"], loss, rtol=1e-5)
    check(gradients["value"], value=by_value, torso=2 * by_value)


@pytest.mark.parametrize("agent", ["a2c", "ppo"])
def test_what_is_prepared(build, agent):
    """Two environments, two steps; γ = 0.9, λ = 0.5, every value is 2½ (x₀ = 1 throughout).

    The first is terminated in its second step: δ₁ = 1 − 2.5, A₁ = δ₁; δ₀ = 1 + 0.9 · 2.5 − 2.5, A₀ = δ₀ + 0.45 A₁.
    The second goes on: δ = 1 + 2.25 − 2.5 in both, A₁ = δ, A₀ = δ + 0.45 δ.
    """
    overrides = (f"agent={agent}", "agent.rollout_length=2", "agent.gamma=0.9", "agent.lambda_=0.5")
    (phase,) = build(*SMALL, *overrides, "agent.minibatches=1").learner.phases
    frames = tf.tile([[[1.0, 5.0, -3.0, 2.0]]], (2, 2, 1))
    flags = tf.zeros((2, 2), tf.bool)
    trajectory = Trajectory(
        observation=frames,
        action=tf.constant([[0, 1], [1, 0]], tf.int64),
        reward=tf.ones((2, 2)),
        terminated=tf.constant([[False, False], [True, False]]),
        truncated=flags,
        next_observation=frames,
        valid=~flags,
    )
    prepared, diagnostics = phase.prepare({LIVE: weights(), "behaviour": weights()}, trajectory)
    last, going_on = 1 - 2.5, 1 + 2.25 - 2.5
    advantage = [going_on + 0.45 * last, going_on + 0.45 * going_on, last, going_on]
    np.testing.assert_allclose(prepared.advantage, advantage, rtol=1e-5)
    np.testing.assert_allclose(prepared.target, np.add(advantage, 2.5), rtol=1e-5)
    np.testing.assert_allclose(prepared.value, 2.5, rtol=1e-6)
    np.testing.assert_allclose(prepared.log_prob, [LOG_PI[a] for a in (0, 1, 1, 0)], rtol=1e-5)
    np.testing.assert_allclose(prepared.discount, [0.9, 0.9, 0.0, 0.9], rtol=1e-6)
    np.testing.assert_allclose(diagnostics["value/mean"], 2.5, rtol=1e-6)
