"""Every probe beside a brute-force twin where SAC's critics and policy share a torso, on a minibatch from memory."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from rl.agents import off_policy, sac
from rl.gradients import LIVE
from rl.gradients.probes import PROBES
from rl.instruments.probing import Prober
from rl.instruments.replay import replay
from rl.learning.repeating import remembered
from rl.learning.state import read
from rl.networks import OBSERVATION, Output

SMALL = (
    *("agent=sac", "environment=compiled/pendulum", "num_envs=2", "agent.ticks=6", "agent.batch_size=12"),
    *("agent.warmup_steps=12", "agent.critic_widths=[7]", "network.shared=true", "network.torso.widths=[6,5]"),
    *("network.torso.activation=elu", "replay.capacity=40", "optimizer.learning_rate=0.01", "probe=none"),
)
OBJECTIVES = ("q_0", "q_1", "policy")
PAIRS = tuple(itertools.combinations(OBJECTIVES, 2))
LAYERS = {"torso/dense_0": slice(0, 24), "torso/dense_1": slice(24, 59)}  # 3 · 6 + 6 and 6 · 5 + 5 weights


class Found:
    """What all probes found on one minibatch, and the means of finding it again with a tape of its own."""

    def __init__(self, experiment):
        learner, random = experiment.learner, np.random.default_rng(0)

        def moved(weight, scale):
            return weight + tf.constant(scale * random.normal(size=weight.shape), tf.float32)

        state = read(experiment.variables)
        frozen = {
            role: copy._replace(weights=tf.nest.map_structure(lambda w: moved(w, 0.1), copy.weights))
            for role, copy in state.frozen.items()
        }
        weights = tf.nest.map_structure(lambda w: moved(w, 0.2), state.weights)
        state, windows = remembered(learner, state._replace(weights=weights, frozen=frozen))
        numbers = Prober(learner, list(PROBES.values()), num_samples=64)(state, windows).numbers
        self.numbers = {tag: float(x) for tag, x in numbers.items()}
        played = replay(learner, state, windows)
        self.learner, self.model, self.state, self.minibatch = learner, learner.model, state, played.minibatch(0)
        self.batch, self.weights = self.minibatch.batch, self.minibatch.weights
        self.delta = played.propose(self.minibatch).step.delta

    def __getitem__(self, tag):
        return self.numbers[tag]

    def losses(self, weights, batch=None):
        """The tensors {objective: its loss} at some live weights."""
        roles = {**self.minibatch.roles, LIVE: weights}
        return self.learner.agent.losses(self.model, roles, self.batch if batch is None else batch)[0]

    def rows(self, batch=None, weights=None):
        """{objective: its gradient on the torso, one vector}, each from a tape of its own."""
        weights, rows = weights or self.weights, {}
        for name in OBJECTIVES:
            with tf.GradientTape() as tape:
                tape.watch(weights["torso"])
                loss = self.losses(weights, batch)[name]
            rows[name] = vector(tape.gradient(loss, weights["torso"]))
        return rows

    def part_of_batch(self, places):
        return tf.nest.map_structure(lambda x: tf.gather(x, places), self.batch)

    def stepped(self, parts, length=1.0):
        """The weights a step further in some parts."""
        return {
            part: tuple(w + length * d for w, d in zip(own, self.delta[part], strict=True)) if part in parts else own
            for part, own in self.weights.items()
        }


def vector(tensors):
    return np.concatenate([np.ravel(tensor) for tensor in tensors]).astype(np.float64)


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


@pytest.fixture(scope="module")
def found(build_apart):
    return Found(build_apart(*SMALL))


@pytest.fixture(scope="module")
def rows(found):
    return found.rows()


@pytest.fixture
def held(found, monkeypatch):
    """Whatever no gradient reaches stays at the weights before the step, so that differences of losses are slopes."""
    for module in (sac, off_policy):
        monkeypatch.setattr(module, "stopped", lambda _: found.weights)


def test_rows_are_slopes_of_the_losses(found, rows, held):
    """Finite differences along each row and along random directions, in float32."""
    random = np.random.default_rng(1)
    for name in OBJECTIVES:
        for direction in (rows[name], *random.normal(size=(3, 59))):
            unit, place, step = direction / np.linalg.norm(direction), 0, []
            for tensor in found.weights["torso"]:
                step.append(unit[place : place + np.size(tensor)].reshape(tensor.shape).astype(np.float32))
                place += np.size(tensor)

            def loss(length, step=step, name=name):
                torso = tuple(w + length * d for w, d in zip(found.weights["torso"], step, strict=True))
                return float(found.losses({**found.weights, "torso": torso})[name])

            slope = (loss(0.01) - loss(-0.01)) / 0.02
            np.testing.assert_allclose(slope, rows[name] @ unit, rtol=0.02, atol=2e-3 * np.linalg.norm(rows[name]))


def test_norms_cosines_and_conflict(found, rows):
    for name in OBJECTIVES:
        for layer, part in LAYERS.items():
            np.testing.assert_allclose(
                found[f"gradient/norm/{name}/{layer}"], np.linalg.norm(rows[name][part]), rtol=1e-4
            )
        ratio = np.linalg.norm(rows[name]) / np.linalg.norm(rows["q_0"])
        np.testing.assert_allclose(found[f"gradient/norm/{name}"], np.linalg.norm(rows[name]), rtol=1e-4)
        if name != "q_0":
            np.testing.assert_allclose(found[f"gradient/norm_ratio/{name}-q_0"], ratio, rtol=1e-4)
    for a, b in PAIRS:
        np.testing.assert_allclose(found[f"gradient/cosine/{a}-{b}"], cosine(rows[a], rows[b]), atol=1e-4)
        against = [rows[a][part] @ rows[b][part] < 0 for part in LAYERS.values()]
        assert found[f"gradient/conflict/{a}-{b}"] == np.mean(against)
        for layer, part in LAYERS.items():
            expected = cosine(rows[a][part], rows[b][part])
            np.testing.assert_allclose(found[f"gradient/cosine/{a}-{b}/{layer}"], expected, atol=1e-4)
    np.testing.assert_allclose(found["gradient/null_band"], 2 / np.sqrt(59), rtol=1e-6)
    for head in ("policy", "q_0", "q_1", "temperature"):
        with tf.GradientTape() as tape:
            tape.watch(found.weights[head])
            total = tf.add_n(list(found.losses(found.weights).values()))
        size = np.linalg.norm(vector(tape.gradient(total, found.weights[head])))
        np.testing.assert_allclose(found[f"gradient/head_norm/{head}"], size, rtol=1e-4)


def test_cross_batch(found):
    first, second = (found.rows(found.part_of_batch(range(start, 12, 2))) for start in (0, 1))
    for a, b in PAIRS:
        crossed = (cosine(first[a], second[b]) + cosine(first[b], second[a])) / 2
        np.testing.assert_allclose(found[f"gradient/cross_batch/{a}-{b}"], crossed, atol=1e-4)
    for name in OBJECTIVES:
        one, other = first[name], second[name]
        np.testing.assert_allclose(
            found[f"gradient/cross_batch/{name}"], one @ other / (0.5 * (one @ one + other @ other)), atol=1e-4
        )


def test_noise_and_interference(found, rows):
    single = [found.rows(found.part_of_batch([n])) for n in range(12)]
    for name in OBJECTIVES:
        own, whole = np.array([row[name] for row in single]), rows[name]
        np.testing.assert_allclose(own.mean(0), whole, atol=1e-5 * np.abs(whole).max())
        trace = own.var(0, ddof=1).sum()
        square = whole @ whole - trace / 12
        np.testing.assert_allclose(found[f"gradient/noise/{name}/trace"], trace, rtol=1e-3)
        np.testing.assert_allclose(found[f"gradient/noise/{name}/square_norm"], square, atol=1e-3 * (whole @ whole))
        np.testing.assert_allclose(found[f"gradient/snr/{name}"], square * 12 / trace, rtol=1e-2, atol=1e-3)
        varies = own.var(0) > 0
        gsnr = np.mean(own[:, varies].mean(0) ** 2 / own[:, varies].var(0, ddof=1))
        np.testing.assert_allclose(found[f"gradient/gsnr/{name}"], gsnr, rtol=1e-3)
        products = [own[i] @ own[j] for i in range(12) for j in range(12) if i != j]
        mean = np.mean(products) / np.mean(np.square(own).sum(1))
        np.testing.assert_allclose(found[f"gradient/interference/{name}"], mean, rtol=1e-2, atol=1e-3)
        negative = np.mean(np.array(products) < 0)
        np.testing.assert_allclose(found[f"gradient/interference/{name}/negative"], negative, atol=2 / len(products))


def test_attribution_chain_and_changes(found, rows):
    """All coefficients are 1 and the combiner is the sum."""
    step = vector(found.delta["torso"])
    by_row = {name: rows[name] @ step for name in OBJECTIVES}
    total = sum(map(abs, by_row.values()))
    combined = sum(rows.values())
    for name in OBJECTIVES:
        np.testing.assert_allclose(found[f"update/change/{name}"], by_row[name], rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(found[f"update/share/{name}"], by_row[name] / total, atol=1e-4)
        np.testing.assert_allclose(found[f"gradient/weighted_norm/{name}"], np.linalg.norm(rows[name]), rtol=1e-4)
        np.testing.assert_allclose(found[f"update/cosine/{name}-applied"], cosine(rows[name], -step), atol=1e-4)
        for layer, part in LAYERS.items():
            parts = {other: rows[other][part] @ step[part] for other in OBJECTIVES}
            share = parts[name] / sum(map(abs, parts.values()))
            np.testing.assert_allclose(found[f"update/share/{name}/{layer}"], share, atol=1e-4)
    np.testing.assert_allclose(found["gradient/combined_norm"], np.linalg.norm(combined), rtol=1e-4)
    np.testing.assert_allclose(found["update/applied_norm"], np.linalg.norm(step), rtol=1e-4)
    np.testing.assert_allclose(found["update/cosine/combined-applied"], cosine(combined, -step), atol=1e-4)
    before = found.losses(found.weights)
    torso, whole = (found.losses(found.stepped(parts)) for parts in (["torso"], found.delta))
    for name in (*OBJECTIVES, "temperature"):
        scale = max(abs(float(before[name])), 1.0)
        for tag, after in (("measured_change", torso), ("whole_change", whole)):
            change = float(after[name]) - float(before[name])
            np.testing.assert_allclose(found[f"update/{tag}/{name}"], change, atol=1e-6 * scale)
    for layer, part in LAYERS.items():
        ratio = np.linalg.norm(step[part]) / np.linalg.norm(vector(found.weights["torso"])[part])
        np.testing.assert_allclose(found[f"update/ratio/{layer}"], ratio, rtol=1e-4)


def test_curvature_is_that_of_the_hessian(found):
    """The Hessian times u = Δw / |Δw|, of all weights, from a gradient of a gradient; then its product with u."""
    parts = sorted(found.delta)
    flat = [tensor for part in parts for tensor in found.weights[part]]
    step = [tensor for part in parts for tensor in found.delta[part]]
    size = np.linalg.norm(vector(step))
    unit = [tensor / size for tensor in step]
    for name in OBJECTIVES:
        with tf.GradientTape() as outer:
            outer.watch(flat)
            with tf.GradientTape() as inner:
                inner.watch(flat)
                loss = found.losses({**found.weights, **tf.nest.pack_sequence_as(found.delta, flat)})[name]
            slopes = inner.gradient(loss, flat, unconnected_gradients="zero")
            along = tf.add_n([tf.reduce_sum(slope * u) for slope, u in zip(slopes, unit, strict=True)])
        product = outer.gradient(along, flat, unconnected_gradients="zero")
        expected = vector(product) @ vector(unit)
        np.testing.assert_allclose(found[f"gradient/curvature/{name}"], expected, rtol=1e-3, atol=1e-5)


def test_copies(found, rows):
    """The policy's KL is that of the Gaussians before the squashing, which the squashing leaves as it is."""
    copy = found.state.frozen["target"]
    stale = found.rows(weights=copy.weights)
    for name in OBJECTIVES:
        tag = f"gradient/stale/target/{name}"
        np.testing.assert_allclose(found[f"{tag}/cosine"], cosine(stale[name], rows[name]), atol=1e-4)
        ratio = np.linalg.norm(stale[name]) / np.linalg.norm(rows[name])
        np.testing.assert_allclose(found[f"{tag}/ratio"], ratio, rtol=1e-3)
    away = [vector(tensor for part in sorted(w) for tensor in w[part]) for w in (copy.weights, found.weights)]
    np.testing.assert_allclose(found["frozen/target/distance"], np.linalg.norm(away[0] - away[1]), rtol=1e-4)

    def gaussian(weights):
        policy = found.model.network.apply(weights, {OBSERVATION: found.batch.observation}, ("policy",))["policy"]
        return np.split(np.asarray(policy, np.float64), 2, -1)

    (old_mean, old_log), (mean, log) = gaussian(copy.weights), gaussian(found.weights)
    kl = log - old_log + (np.exp(2 * old_log) + (old_mean - mean) ** 2) / (2 * np.exp(2 * log)) - 0.5
    np.testing.assert_allclose(found["frozen/target/kl"], kl.sum(-1).mean(), rtol=1e-3)


def test_through_the_target(found):
    """δ = r + γ (min_i q̄_i(s', a') − α log π(a'|s')) − q_0(s, a), one sample at a time."""
    live, copy = found.weights, found.state.frozen["target"].weights

    def of_sample(n, watched):
        with tf.GradientTape() as tape:
            tape.watch(watched["torso"])
            roles = {LIVE: live, "target": copy}
            error = found.learner.agent.one_step_error(found.model, roles, found.part_of_batch([n]))
            loss = 0.5 * tf.reduce_sum(error**2)
        return vector(tape.gradient(loss, watched["torso"]))

    semi, through = (sum(of_sample(n, watched) for n in range(12)) for watched in (live, copy))
    np.testing.assert_allclose(found["gradient/through_target/cosine"], cosine(through, semi), atol=1e-4)
    ratio = np.linalg.norm(through) / np.linalg.norm(semi)
    np.testing.assert_allclose(found["gradient/through_target/ratio"], ratio, rtol=1e-3)


def hidden(found):
    """The activations of the torso's two layers, by hand."""
    x, activations = np.asarray(found.batch.observation, np.float64), []
    kernel_0, bias_0, kernel_1, bias_1 = (np.asarray(w, np.float64) for w in found.weights["torso"])
    for kernel, bias in ((kernel_0, bias_0), (kernel_1, bias_1)):
        x = x @ kernel + bias
        x = np.where(x > 0, x, np.expm1(x))
        activations.append(x)
    return activations


def test_features_units_and_weights(found, rows):
    activations = hidden(found)
    values = np.linalg.svd(activations[-1], compute_uv=False)
    shares = values / values.sum()
    effective = np.exp(-(shares * np.log(shares)).sum())
    np.testing.assert_allclose(found["representation/effective_rank/torso"], effective, rtol=1e-3)
    assert found["representation/srank/torso"] == 1 + np.argmax(np.cumsum(shares) >= 0.99)
    norm = np.linalg.norm(activations[-1], axis=1).mean()
    np.testing.assert_allclose(found["representation/feature_norm/torso"], norm, rtol=1e-4)
    for layer, own in zip(LAYERS, activations, strict=True):
        scores = np.abs(own).mean(0)
        assert found[f"representation/dormant/{layer}"] == np.mean(scores <= 0.025 * scores.mean())
        assert found[f"representation/dead/{layer}"] == np.mean([len(set(column)) == 1 for column in own.T])
    for name in OBJECTIVES:
        nudge = tf.zeros_like(activations[-1], tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(nudge)
            loss = found.losses({**found.weights, Output("torso"): (nudge,)})[name]
        size = np.linalg.norm(tape.gradient(loss, nudge))
        np.testing.assert_allclose(found[f"gradient/features/{name}"], size, rtol=1e-4)
        ratio = np.linalg.norm(rows[name]) / size
        np.testing.assert_allclose(found[f"gradient/features/{name}/row_ratio"], ratio, rtol=1e-4)
    for part in ("torso", "q_0", "policy"):
        for name, weight in zip(found.model.network.names[part], found.weights[part], strict=True):
            if name.endswith("kernel"):
                kernel, layer = np.asarray(weight, np.float64), name.rsplit("/", 1)[0]
                expected = np.square(kernel).sum() / np.linalg.svd(kernel, compute_uv=False)[0] ** 2
                np.testing.assert_allclose(found[f"weights/stable_rank/{layer}"], expected, rtol=1e-4)


def test_every_number_is_finite(found):
    """But for the correction of a cosine, which has none where two halves disagree."""
    assert all(np.isfinite(x) for tag, x in found.numbers.items() if "corrected" not in tag)
