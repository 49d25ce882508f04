"""Every probe beside a brute-force twin: loops over single samples, finite differences, NumPy's decompositions."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from rl.gradients import LIVE, At, watched_rows
from rl.gradients.probes import PROBES
from rl.gradients.probes.representation import srank
from rl.gradients.probes.spectrum import singular_values
from rl.gradients.probes.units import dead, dormant
from rl.instruments.evidence import UpdateEvidence
from rl.instruments.probing import Prober
from rl.instruments.replay import replay, rows_of
from rl.learning.collecting import collect
from rl.learning.state import read
from rl.networks import OBSERVATION, Output

SMALL = (
    "environment=compiled/cartpole",
    "num_envs=4",
    "agent.rollout_length=16",
    "agent.minibatches=2",
    "network.torso.widths=[6,5]",
    "steps=100_000",
    "frozen=target_polyak",
    "probe.names=[staleness]",  # what a copy from which nothing bootstraps is for
)
OBJECTIVES = ("policy", "value", "entropy")
SHARED = pytest.mark.parametrize("shared", [True, False])


class Taken(dict):
    """The findings of one update, and all that a twin needs to find them again."""

    def __init__(self, experiment, state, trajectory, names, num_samples):
        learner = experiment.learner
        prober = Prober(learner, [PROBES[name] for name in names], num_samples=num_samples)
        super().__init__({tag: float(x) for tag, x in prober(state, trajectory).numbers.items()})
        played = replay(learner, state, trajectory)
        self.before, self.learner, self.asked, self.minibatch = state, learner, played.update, played.minibatch(0)
        self.network, self.batch = learner.model.network, self.minibatch.batch
        self.delta = played.propose(self.minibatch).step.delta

    def losses(self, weights):
        """{objective: its loss} at some weights."""
        losses, _ = self.asked.losses({**self.minibatch.roles, LIVE: weights}, self.batch)
        return {name: float(loss) for name, loss in losses.items()}

    def moved(self, parts, length=1.0):
        """The weights so far along the step."""
        return {
            part: tuple(w + length * d for w, d in zip(tensors, self.delta[part], strict=True))
            if part in parts
            else tensors
            for part, tensors in self.minibatch.weights.items()
        }

    def rows(self, batch=None, weights=None):
        """{objective: its raw row, one vector} on a batch, at some weights."""
        minibatch = self.minibatch._replace(batch=self.batch if batch is None else batch)
        minibatch = minibatch._replace(roles={**minibatch.roles, LIVE: weights or minibatch.weights})
        found = rows_of(self.learner, minibatch).gradients
        return {name: vector(row for at, row in found[name].items() if "torso" in at.part) for name in OBJECTIVES}


def vector(parts):
    return np.concatenate([tensor.numpy().ravel() for part in parts for tensor in part]).astype(np.float64)


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


@pytest.fixture
def taken(build):
    """The findings of some probes."""

    def take(names, *overrides, num_samples=64):
        experiment = build(*SMALL, *overrides)
        return Taken(experiment, *rolled_out(experiment), names, num_samples)

    return take


def rolled_out(experiment):
    """A state whose live weights have moved away from every frozen copy, and a trajectory."""
    learner, state = experiment.learner, read(experiment.variables)
    random = np.random.default_rng(0)

    def moved(weight, scale):
        return weight + tf.constant(scale * random.normal(size=weight.shape), tf.float32)

    frozen = {
        role: copy._replace(weights=tf.nest.map_structure(lambda w: moved(w, 0.1), copy.weights))
        for role, copy in state.frozen.items()
    }
    state = state._replace(weights=tf.nest.map_structure(lambda w: moved(w, 0.2), state.weights), frozen=frozen)
    return collect(learner, state, learner.rollout_noise(state.seed, state.iteration))


def test_the_null_band_is_two_over_the_root_of_the_size(taken):
    found = taken(["cosines"])
    sizes = {"torso/dense_0": 4 * 6 + 6, "torso/dense_1": 6 * 5 + 5}
    np.testing.assert_allclose(found["gradient/null_band"], 2 / np.sqrt(sum(sizes.values())), rtol=1e-6)
    for layer, size in sizes.items():
        np.testing.assert_allclose(found[f"gradient/null_band/{layer}"], 2 / np.sqrt(size), rtol=1e-6)


def test_independent_directions_stay_within_the_null_band_about_19_times_in_20():
    random = np.random.default_rng(0)
    for size in (30, 4736):
        a, b = random.normal(size=(2, 4000, size))
        cosines = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
        assert 0.94 < np.mean(np.abs(cosines) < 2 / np.sqrt(size)) < 0.97


def test_cross_batch_cosines_are_those_of_the_two_halves_rows(taken):
    found = taken(["cross_batch"])
    half = len(found.batch.valid) // 2
    first, second = (
        found.rows(tf.nest.map_structure(lambda x, part=part: x[part], found.batch))
        for part in (slice(0, 2 * half, 2), slice(1, 2 * half, 2))
    )
    for a, b in itertools.combinations(OBJECTIVES, 2):
        crossed = (cosine(first[a], second[b]) + cosine(first[b], second[a])) / 2
        np.testing.assert_allclose(found[f"gradient/cross_batch/{a}-{b}"], crossed, atol=1e-5)
        both = first[a] @ second[a], first[b] @ second[b]
        if min(both) > 0:
            mean = (first[a] @ second[b] + first[b] @ second[a]) / 2
            expected = mean / np.sqrt(both[0] * both[1])
            np.testing.assert_allclose(found[f"gradient/cross_batch/{a}-{b}/corrected"], expected, rtol=1e-3)
        layers = {"torso/dense_0": slice(30), "torso/dense_1": slice(30, 65)}
        for layer, part in layers.items():
            one, other = (
                cosine(x[a][part], y[b][part]) / 2 + cosine(x[b][part], y[a][part]) / 2
                for x, y in ((first, second), (second, first))
            )
            np.testing.assert_allclose(found[f"gradient/cross_batch/{a}-{b}/{layer}"], one, atol=1e-5)
            np.testing.assert_allclose(one, other)
    for name in OBJECTIVES:
        reliability = first[name] @ second[name] / (0.5 * (first[name] @ first[name] + second[name] @ second[name]))
        np.testing.assert_allclose(found[f"gradient/cross_batch/{name}"], reliability, atol=1e-5)


@SHARED
def test_noise_and_interference_are_those_of_single_samples_taken_one_by_one(taken, shared):
    found = taken(["noise", "interference"], f"network.shared={shared}")
    size = len(found.batch.valid)
    single = [found.rows(tf.nest.map_structure(lambda x, n=n: x[n : n + 1], found.batch)) for n in range(size)]
    for name in OBJECTIVES:
        rows = np.array([row[name] for row in single])
        whole = found.rows()[name]
        np.testing.assert_allclose(rows.mean(0), whole, atol=1e-5 * np.abs(whole).max())  # a loss is a mean of samples'
        trace = rows.var(0, ddof=1).sum()
        square = whole @ whole - trace / size
        np.testing.assert_allclose(found[f"gradient/noise/{name}/trace"], trace, rtol=1e-3)
        np.testing.assert_allclose(found[f"gradient/noise/{name}/square_norm"], square, atol=1e-3 * (whole @ whole))
        np.testing.assert_allclose(found[f"gradient/snr/{name}"], square * size / trace, rtol=2e-2, atol=1e-3)
        varies = rows.var(0) > 0
        gsnr = np.mean(rows[:, varies].mean(0) ** 2 / rows[:, varies].var(0, ddof=1))
        np.testing.assert_allclose(found[f"gradient/gsnr/{name}"], gsnr, rtol=1e-3)
        products = [rows[i] @ rows[j] for i in range(size) for j in range(size) if i != j]
        mean = np.mean(products) / np.mean(np.square(rows).sum(1))
        np.testing.assert_allclose(found[f"gradient/interference/{name}"], mean, rtol=1e-2, atol=1e-4)
        negative = np.mean(np.array(products) < 0)
        np.testing.assert_allclose(found[f"gradient/interference/{name}/negative"], negative, atol=2 / len(products))


def test_few_samples_estimate_what_all_of_them_do(taken):
    """Every other sample is taken of 32, and the norm is the whole minibatch's: |g|² + tr Σ / B = |row|²."""
    all_, few = taken(["noise"], num_samples=64), taken(["noise"], num_samples=16)
    size, whole = len(all_.batch.valid), all_.rows()
    single = [few.rows(tf.nest.map_structure(lambda x, n=n: x[n : n + 1], few.batch)) for n in range(0, size, 2)]
    for name in OBJECTIVES:
        mean_square = np.mean([row[name] @ row[name] for row in single])
        trace = (mean_square - whole[name] @ whole[name]) / (1 - 1 / size)
        np.testing.assert_allclose(few[f"gradient/noise/{name}/trace"], trace, rtol=1e-3)
        for found in (all_, few):
            parts = (found[f"gradient/noise/{name}/{part}"] for part in ("square_norm", "trace"))
            square = sum(x / divisor for x, divisor in zip(parts, (1, size), strict=True))
            np.testing.assert_allclose(square, whole[name] @ whole[name], rtol=1e-3)


@SHARED
def test_measured_changes_are_differences_of_losses(taken, shared):
    found = taken(["measured_change"], f"network.shared={shared}", "optimizer.learning_rate=0.1")
    before, whole = found.losses(found.minibatch.weights), found.losses(found.moved(found.delta))
    for name in OBJECTIVES:
        np.testing.assert_allclose(found[f"update/whole_change/{name}"], whole[name] - before[name], atol=2e-6)
    if shared:
        torso = found.losses(found.moved(["torso"]))
        for name in OBJECTIVES:
            np.testing.assert_allclose(found[f"update/measured_change/{name}"], torso[name] - before[name], atol=2e-6)
    else:
        assert not [tag for tag in found if "measured_change" in tag]


def test_a_short_step_changes_the_losses_by_what_attribution_says(taken):
    found = taken(["attribution", "measured_change"], "optimizer=sgd", "optimizer.learning_rate=1e-2")
    value = found["update/change/value"]
    np.testing.assert_allclose(found["update/measured_change/value"], value, rtol=2e-2)


def test_curvature_is_that_of_the_hessian_taken_row_by_row(taken):
    found = taken(["curvature"])
    weights = found.minibatch.weights
    step = vector(found.delta[part] for part in sorted(weights))  # as tf.nest has them
    unit = step / np.linalg.norm(step)
    flat = tf.constant(vector(weights[part] for part in sorted(weights)), tf.float32)

    def loss(numbers, name):
        sizes = [int(tf.size(x)) for x in tf.nest.flatten(weights)]
        tensors = [
            tf.reshape(x, y.shape) for x, y in zip(tf.split(numbers, sizes), tf.nest.flatten(weights), strict=True)
        ]
        roles = {**found.minibatch.roles, LIVE: tf.nest.pack_sequence_as(weights, tensors)}
        return found.asked.losses(roles, found.batch)[0][name]

    for name in OBJECTIVES:
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(flat)
            with tf.GradientTape() as inner:
                inner.watch(flat)
                value = loss(flat, name)
            slopes = tf.unstack(inner.gradient(value, flat))
        hessian = np.array([outer.gradient(slope, flat, unconnected_gradients="zero").numpy() for slope in slopes])
        expected = unit @ hessian.astype(np.float64) @ unit
        np.testing.assert_allclose(found[f"gradient/curvature/{name}"], expected, rtol=1e-3, atol=1e-5)


def test_curvature_agrees_with_finite_differences(taken):
    found = taken(["curvature"])
    step = vector(found.delta.values())
    length = 0.05 / np.linalg.norm(step)
    ahead, here, behind = (found.losses(found.moved(found.delta, x))["value"] for x in (length, 0.0, -length))
    np.testing.assert_allclose(found["gradient/curvature/value"], (ahead - 2 * here + behind) / 0.05**2, rtol=0.05)


def test_staleness_is_of_the_row_at_each_copy_to_that_at_the_live_weights(taken):
    found = taken(["staleness"])
    live = found.rows()
    assert sorted(found.before.frozen) == ["anchor", "behaviour", "target"]
    for role, copy in found.before.frozen.items():
        stale = found.rows(weights=copy.weights)
        for name in OBJECTIVES:
            tag = f"gradient/stale/{role}/{name}"
            np.testing.assert_allclose(found[f"{tag}/cosine"], cosine(stale[name], live[name]), atol=1e-5)
            ratio = np.linalg.norm(stale[name]) / np.linalg.norm(live[name])
            np.testing.assert_allclose(found[f"{tag}/ratio"], ratio, rtol=1e-4)
        assert abs(found[f"gradient/stale/{role}/value/cosine"] - 1) > 1e-6


@pytest.mark.parametrize("target", [True, False])
def test_through_target_is_the_gradient_at_the_successors_weights(taken, target):
    found = taken(["through_target"], "frozen=target_polyak" if target else "frozen=default")
    live, batch = found.minibatch.weights, found.batch
    copy = found.minibatch.roles["target"] if target else live

    def values(weights, observation):
        return found.network.apply(weights, {OBSERVATION: observation}, ("value",))["value"][:, 0]

    error = batch.reward + batch.discount * values(copy, batch.next_observation) - values(live, batch.observation)
    semi, through = np.zeros(65), np.zeros(65)
    for n in range(len(batch.valid)):
        one = [x[n : n + 1] for x in (batch.observation, batch.next_observation)]
        semi -= float(error[n]) * torso_row(values, live, one[0])
        through += float(error[n] * batch.discount[n]) * torso_row(values, copy, one[1])
    np.testing.assert_allclose(found["gradient/through_target/cosine"], cosine(through, semi), atol=1e-5)
    ratio = np.linalg.norm(through) / np.linalg.norm(semi)
    np.testing.assert_allclose(found["gradient/through_target/ratio"], ratio, rtol=1e-4)
    assert found["gradient/through_target/cosine"] < 0.999


def torso_row(values, weights, observation):
    """The gradient of a value with respect to the torso, one vector."""
    place, torso = At(LIVE, "torso"), {LIVE: {"torso": weights["torso"]}}
    rows = watched_rows(
        lambda roles: ({"v": tf.reduce_sum(values({**weights, **roles[LIVE]}, observation))}, None),
        torso,
        {"v": (place,)},
    )
    return vector([rows.gradients["v"][place]])


@SHARED
def test_feature_gradients_are_slopes_of_the_losses_along_changes_of_the_features(taken, shared):
    found = taken(["features"], f"network.shared={shared}")
    evidence = UpdateEvidence(found.learner, found.before, found.minibatch, num_samples=2)
    random = np.random.default_rng(0)
    gradients = {name: x.numpy().astype(np.float64) for name, x in evidence.feature_gradients.items()}
    for name, gradient in gradients.items():
        part = "torso" if shared else "value_torso" if name == "value" else "policy_torso"
        assert gradient.shape == hidden(found, part)[-1].shape
        along = [gradient / np.linalg.norm(gradient), *random.normal(size=(4, *gradient.shape))]
        for direction in (x / np.linalg.norm(x) for x in along):
            nudge = tf.constant(0.1 * direction, tf.float32)
            up, down = (
                found.losses({**found.minibatch.weights, Output(part): (sign * nudge,)})[name] for sign in (1, -1)
            )
            np.testing.assert_allclose((gradient * direction).sum(), (up - down) / 0.2, rtol=1e-2, atol=2e-6)
        size, row = np.linalg.norm(gradient), np.linalg.norm(found.rows()[name])
        np.testing.assert_allclose(found[f"gradient/features/{name}"], size, rtol=1e-5)
        np.testing.assert_allclose(found[f"gradient/features/{name}/row_ratio"], row / size, rtol=1e-4)
    if shared:
        expected = cosine(gradients["policy"].ravel(), gradients["value"].ravel())
        np.testing.assert_allclose(found["gradient/features/policy-value"], expected, atol=1e-5)
    else:
        assert "gradient/features/policy-value" not in found


def hidden(found, part):
    """The activations of a part's two tanh layers, by hand."""
    activations, x = [], found.batch.observation.numpy().astype(np.float64)
    kernel_0, bias_0, kernel_1, bias_1 = (w.numpy().astype(np.float64) for w in found.minibatch.weights[part])
    for kernel, bias in ((kernel_0, bias_0), (kernel_1, bias_1)):
        x = np.tanh(x @ kernel + bias)
        activations.append(x)
    return activations


@SHARED
def test_ranks_and_norms_are_those_of_numpys_singular_values(taken, shared):
    found = taken(["representation", "weights"], f"network.shared={shared}")
    for part in ["torso"] if shared else ["policy_torso", "value_torso"]:
        features = hidden(found, part)[-1]
        values = np.linalg.svd(features, compute_uv=False)
        shares = values / values.sum()
        srank = next(k for k in range(1, 6) if shares[:k].sum() >= 0.99)
        assert found[f"representation/srank/{part}"] == srank
        effective = np.exp(-(shares * np.log(shares)).sum())
        np.testing.assert_allclose(found[f"representation/effective_rank/{part}"], effective, rtol=1e-4)
        norm = np.mean(np.linalg.norm(features, axis=1))
        np.testing.assert_allclose(found[f"representation/feature_norm/{part}"], norm, rtol=1e-5)
    for part, names in found.network.names.items():
        layers = {}
        for name, weight in zip(names, found.minibatch.weights[part], strict=True):
            layers.setdefault(name.rsplit("/", 1)[0], []).append(weight.numpy().astype(np.float64))
        for layer, weights in layers.items():
            size = np.sqrt(sum(np.square(w).sum() for w in weights))
            np.testing.assert_allclose(found[f"weights/norm/{layer}"], size, rtol=1e-5)
            kernel = weights[0]
            expected = np.square(kernel).sum() / np.linalg.svd(kernel, compute_uv=False)[0] ** 2
            np.testing.assert_allclose(found[f"weights/stable_rank/{layer}"], expected, rtol=1e-5)


def test_silent_units_are_counted(taken):
    """Of rectified units some are always off."""
    found = taken([], "network.torso.activation=relu")
    x = found.batch.observation.numpy()
    weights = list(found.minibatch.weights["torso"])
    bias = np.array([0, 0, -1e3, -1e3, 0, 0], np.float32)
    weights[1] = tf.constant(bias)
    evidence = UpdateEvidence(
        found.learner,
        found.before,
        found.minibatch._replace(
            roles={**found.minibatch.roles, LIVE: {**found.minibatch.weights, "torso": tuple(weights)}}
        ),
        num_samples=2,
    )
    numbers = PROBES["units"](evidence)
    first = np.maximum(x @ weights[0].numpy() + bias, 0)
    scores = np.abs(first).mean(0)
    dead = np.mean([len(set(column)) == 1 for column in first.T])
    assert dead >= 2 / 6
    np.testing.assert_allclose(numbers["representation/dead/torso/dense_0"], dead)
    np.testing.assert_allclose(
        numbers["representation/dormant/torso/dense_0"], np.mean(scores <= 0.025 * scores.mean())
    )


def test_a_saturated_unit_is_dead_and_a_unit_near_zero_is_dormant():
    random = np.random.default_rng(0)
    varied = random.normal(size=(32, 6)).astype(np.float32)
    varied[:, 1], varied[:, 2] = 1.0, 0.01 * varied[:, 2]
    assert float(dead(tf.constant(varied))) == pytest.approx(1 / 6)
    assert float(dormant(tf.constant(varied), threshold=0.025)) == pytest.approx(1 / 6)


def test_singular_values_of_a_program_fall_as_numpys_do():
    """Of tanh features of 64 units whose singular values fall over seven powers of ten."""
    random = np.random.default_rng(0)
    features = np.tanh(random.normal(size=(256, 64)) @ np.diag(np.logspace(0, -7, 64)) @ random.normal(size=(64, 64)))
    found = tf.function(singular_values, jit_compile=True, autograph=False)(tf.constant(features, tf.float32)).numpy()
    expected = np.linalg.svd(features.astype(np.float32).astype(np.float64), compute_uv=False)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * expected[0])
    shares = expected / expected.sum()
    assert float(srank(tf.constant(found), threshold=0.01)) == np.searchsorted(np.cumsum(shares), 0.99) + 1


def test_conflict_step_ratio_and_drift_by_hand(taken):
    found = taken(["conflict", "update_ratio", "drift", "norms"])
    rows, layers = found.rows(), {"torso/dense_0": slice(30), "torso/dense_1": slice(30, 65)}
    for a, b in itertools.combinations(OBJECTIVES, 2):
        against = np.mean([rows[a][part] @ rows[b][part] < 0 for part in layers.values()])
        assert found[f"gradient/conflict/{a}-{b}"] == against
    step, weights = (vector([tree["torso"]]) for tree in (found.delta, found.minibatch.weights))
    for layer, part in layers.items():
        ratio = np.linalg.norm(step[part]) / np.linalg.norm(weights[part])
        np.testing.assert_allclose(found[f"update/ratio/{layer}"], ratio, rtol=1e-5)
        for name in OBJECTIVES:
            norm = np.linalg.norm(rows[name][part])
            np.testing.assert_allclose(found[f"gradient/norm/{name}/{layer}"], norm, rtol=1e-5)
    ratio = np.linalg.norm(rows["value"]) / np.linalg.norm(rows["policy"])
    np.testing.assert_allclose(found["gradient/norm_ratio/value-policy"], ratio, rtol=1e-5)
    live = vector(found.before.weights[part] for part in sorted(found.before.weights))
    for role, copy in found.before.frozen.items():
        distance = np.linalg.norm(vector(copy.weights[part] for part in sorted(copy.weights)) - live)
        np.testing.assert_allclose(found[f"frozen/{role}/distance"], distance, rtol=1e-5)
        old, new = (
            tf.nn.log_softmax(found.network.apply(w, {OBSERVATION: found.batch.observation})["policy"]).numpy()
            for w in (copy.weights, found.before.weights)
        )
        kl = np.mean((np.exp(old) * (old - new)).sum(1))
        np.testing.assert_allclose(found[f"frozen/{role}/kl"], kl, rtol=1e-3)


@pytest.mark.parametrize("bootstrap", ["semi_gradient", "tdrc"])
def test_samples_that_are_not_valid_have_no_say(taken, bootstrap):
    found = taken([], f"agent/bootstrap={bootstrap}")
    valid = np.random.default_rng(0).random(32) < 0.6
    kept = tf.nest.map_structure(lambda x: tf.boolean_mask(x, valid), found.batch)
    garbage = found.batch._replace(
        valid=tf.constant(valid, tf.float32),
        reward=tf.where(valid, found.batch.reward, 1e3),
        advantage=tf.where(valid, found.batch.advantage, 1e3),
        target=tf.where(valid, found.batch.target, 1e3),
    )
    numbers = []
    for batch in (kept, garbage):
        minibatch = found.minibatch._replace(batch=batch)
        evidence = UpdateEvidence(found.learner, found.before, minibatch, num_samples=64)
        names = ["norms", "noise", "interference", "through_target", "measured_change", "curvature"]
        numbers.append({tag: x for probe in [PROBES[name] for name in names] for tag, x in probe(evidence).items()})
    for tag, number in numbers[0].items():
        np.testing.assert_allclose(numbers[1][tag], number, rtol=1e-3, atol=1e-6, err_msg=tag)


@pytest.mark.parametrize("at", ["live", "behaviour"])
@pytest.mark.parametrize("bootstrap", ["residual", "tdrc"])
def test_every_probe_runs_beside_a_gradient_through_the_target(taken, bootstrap, at):
    found = taken(list(PROBES), f"agent/bootstrap={bootstrap}", f"agent.differentiate_at={at}", num_samples=4)
    assert all(np.isfinite(x) for tag, x in found.items() if "corrected" not in tag)
    for role in found.before.frozen:
        assert found[f"gradient/stale/{role}/value/cosine"] < 0.9999


def test_the_choice_of_all_probes_is_all_of_them(compose):
    assert list(compose("probe=all").probe.names) == list(PROBES)


def test_a_convolutions_units_are_its_filters_and_every_probe_runs_on_it(build):
    experiment = build("experiment=minatar", "num_envs=2", "agent.rollout_length=8", "agent.minibatches=1")
    learner, state = experiment.learner, read(experiment.variables)
    run = collect(learner, state, learner.rollout_noise(state.seed, state.iteration))
    found = Prober(learner, list(PROBES.values()), num_samples=4)(*run).numbers
    for tag in ("representation/dead/torso/convolution", "weights/stable_rank/torso/convolution", "gradient/snr/value"):
        assert np.isfinite(found[tag])
    assert (float(found["representation/dead/torso/convolution"]) * 16).is_integer()


def test_one_program_and_runs_batched_in_one_find_what_each_finds_alone(build):
    experiment = build(*SMALL)
    prober = Prober(experiment.learner, list(PROBES.values()), num_samples=8)
    run = rolled_out(experiment)
    alone = prober(*run).numbers
    runs = tf.nest.map_structure(lambda x: tf.stack([x, x]), run)

    def batched(runs):
        return tf.vectorized_map(lambda one: prober(*one).numbers, runs, fallback_to_while_loop=False)

    together = tf.function(batched, jit_compile=True, autograph=False)(runs)
    assert set(together) == set(alone)
    for tag, numbers in together.items():
        # Differences of losses keep float32's last digits alone.
        atol = 1e-6 if "change" in tag else 1e-5
        np.testing.assert_allclose(numbers, [alone[tag]] * 2, rtol=2e-3, atol=atol, equal_nan=True, err_msg=tag)
