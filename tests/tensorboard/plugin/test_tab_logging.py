"""Gramians of real runs: once for every probed iteration, and in agreement with the run's metrics."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from processes import csv_rows, start
from sources import Folder

from rl.gradients.probes.evidence import EXTRA_ROWS
from rl.learning.chunk import Chunk
from rl.learning.collecting import collect
from rl.learning.state import read
from rl.runs.log import RunLog
from rl.runs.log_repair import Rates
from rl.runs.loop import Stretch
from rl.tensorboard.plugin import quantities, what_if
from rl.tensorboard.plugin.source import AGAINST_STEP

TINY = ("agent=a2c", "num_envs=4", "network.torso.widths=[8,8]")
PROBES = "probe.names=[norms,cosines,conflict,attribution,staleness,through_target]"
OBJECTIVES = ("policy", "value", "entropy")
ROUNDING = 3e-6  # the probes' norms are sums of a hundred float32 squares


@pytest.fixture(scope="module")
def processes(root, tmp_path_factory):
    """Two seeds in one program: the process, which runs beside the first tests, and its folder."""
    folder = tmp_path_factory.mktemp("seeds")
    overrides = ("environment=compiled/cartpole", "combiner=pcgrad", "seeds=2", "steps=2000", "evaluation.episodes=1")
    process = start(root, folder, *TINY, *overrides, "probe.names=[norms,cosines,conflict,attribution]")
    yield process, folder / "runs"
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def seeds(processes):
    process, runs = processes
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return runs


@pytest.fixture(scope="module")
def resumed(processes, tmp_path_factory):
    """A run in a Python environment, probed every other iteration, that resumed at iteration 4 after its sixth."""
    import hydra

    from rl.commands.composition import build
    from rl.commands.run_names import register_resolvers
    from rl.config_files import CONFIGS

    register_resolvers()
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        experiment = build(hydra.compose("train", overrides=[*TINY, PROBES]))
    programs = experiment.programs(probe_every=2)
    programs.compile()
    folder = tmp_path_factory.mktemp("resumed")
    size = experiment.learner.steps_per_iteration
    settings = {"rates": Rates(size, points_every=1, total=8 * size), "legend": experiment.prober.legend}

    def write(log, first, count):
        stretch = Stretch(first, count, programs.iterate(count), 0.1)
        log.iterations(stretch, wall_seconds=1.0, last=False, evaluation_due=False)
        return stretch.chunk.gramians

    log = RunLog(folder / "run", **settings)
    (folder / "run").mkdir()
    log.begin("", {})
    before = write(log, 0, 4)
    checkpoint = {**log.state(), "steps": 4 * size, "format_version": 3}
    write(log, 4, 2)
    log.close()
    log = RunLog(folder / "run", **settings)
    log.go_on(checkpoint, "", {}, evaluation_due=False)
    after = write(log, 4, 4)
    log.close()
    return folder, size, [before[0], before[2], after[0], after[2]]


def numbers(rows, tag):
    """A column of metrics.csv in the probed iterations."""
    return np.array([float(row[tag]) for row in rows if row["gradient/norm/value"]])


def probed_steps(rows):
    return [int(row["step"]) for row in rows if row["gradient/norm/value"]]


def assert_the_tabs_quantities_are_the_metrics(series, rows):
    of, arrays = series.legend, series.gramians

    def same(quantity, tag, a, b=""):
        found = {"": quantities.overall(quantity, arrays, of, a, b)}
        if f"{tag}/{of.layers[0]}" in rows[0]:
            by_layer = quantities.by_layer(quantity, arrays, of, a, b)
            found |= {f"/{layer}": by_layer[:, l] for l, layer in enumerate(of.layers)}
        for layer, values in found.items():
            np.testing.assert_allclose(values, numbers(rows, tag + layer), rtol=ROUNDING, atol=ROUNDING, err_msg=tag)

    assert series.steps.tolist() == probed_steps(rows)
    for name in OBJECTIVES:
        same("norm", f"gradient/norm/{name}", name)
        same("share", f"update/share/{name}", name)
    for a, b in (("policy", "value"), ("policy", "entropy"), ("value", "entropy")):
        same("cosine", f"gradient/cosine/{a}-{b}", a, b)
        same("conflict", f"gradient/conflict/{a}-{b}", a, b)
    np.testing.assert_allclose(quantities.null_band(sum(of.sizes)), numbers(rows, "gradient/null_band"), rtol=1e-7)


def test_a_resumed_run_has_one_gramian_a_probed_iteration(resumed):
    folder, size, written = resumed
    series = Folder(folder).series("run")["run"]
    assert series.steps.tolist() == [size * iteration for iteration in (1, 3, 5, 7)]
    sign = np.where(np.array(series.legend.rows) == AGAINST_STEP, -1.0, 1.0)
    np.testing.assert_array_equal(series.gramians * np.outer(sign, sign), written)


def test_metrics_are_those_of_the_gramians(resumed):
    folder, *_ = resumed
    series = Folder(folder).series("run")["run"]
    assert series.legend.objectives == OBJECTIVES
    assert series.legend.combiner == "sum"
    assert_the_tabs_quantities_are_the_metrics(series, csv_rows(folder / "run"))


def test_stale_rows_have_the_cosines_of_their_probe(resumed):
    folder, *_ = resumed
    series, rows = Folder(folder).series("run")["run"], csv_rows(folder / "run")
    for role in ("behaviour", "anchor"):
        for name in OBJECTIVES:
            stale = f"stale/{role}/{name}"
            assert stale in series.legend.extra_rows
            cosine = quantities.overall("cosine", series.gramians, series.legend, name, stale)
            ratio = quantities.overall("ratio", series.gramians, series.legend, stale, name)
            np.testing.assert_allclose(cosine, numbers(rows, f"gradient/{stale}/cosine"), rtol=ROUNDING)
            np.testing.assert_allclose(ratio, numbers(rows, f"gradient/{stale}/ratio"), rtol=ROUNDING)
    cosine = quantities.overall("cosine", series.gramians, series.legend, "policy", "stale/anchor/policy")
    assert cosine[0] == pytest.approx(1, rel=1e-6)  # at the start the weights are the anchor's
    assert (cosine[1:] < 1 - 1e-6).all()


def test_the_row_through_the_target_is_there(resumed):
    folder, *_ = resumed
    series = Folder(folder).series("run")["run"]
    assert series.legend.extra_rows[-1] == "through_target"
    assert (quantities.overall("norm", series.gramians, series.legend, "through_target", "") > 0).all()


def test_every_probe_logs_the_rows_that_it_compares(build):
    experiment = build("probe=all", "environment=compiled/cartpole")
    assert experiment.prober.legend.extra_rows == (
        *EXTRA_ROWS,
        *(f"stale/{role}/{name}" for role in ("behaviour", "anchor") for name in OBJECTIVES),
        "through_target",
    )
    assert build("environment=compiled/cartpole").prober.legend.extra_rows == EXTRA_ROWS


def test_a_network_that_shares_nothing_writes_a_legend_without_layers(build, tmp_path):
    experiment = build(*TINY, "network.shared=false", "probe.names=[norms]")
    learner, prober = experiment.learner, experiment.prober
    state = read(experiment.variables)
    found = prober(*collect(learner, state, learner.rollout_noise(state.seed, state.iteration)))
    assert found.gramian.shape == (0, 0, 0)
    log = RunLog(tmp_path / "run", Rates(20, points_every=1, total=20), legend=prober.legend)
    (tmp_path / "run").mkdir()
    log.begin("", {})
    nothing = Chunk({"bad_update": np.array([-1])}, {}, {0: found.gramian.numpy()}, {}, ())
    log.iterations(Stretch(0, 1, nothing, 0.1), wall_seconds=1.0, last=True, evaluation_due=False)
    log.close()
    folder = Folder(tmp_path)
    listing = folder.listings()["run"]
    assert listing.legend.layers == listing.legend.sizes == ()
    assert listing.legend.objectives == OBJECTIVES
    assert "network.shared=false" in listing.problem
    assert folder.series("run") == {}


def test_seeds_in_one_program_log_gramians_of_their_own(seeds):
    folder = Folder(seeds)
    names = sorted(folder.listings())
    assert [name.rsplit("seed-", 1)[1] for name in names] == ["0", "1"]
    both = [folder.series(name)[name] for name in names]
    for name, series in zip(names, both, strict=True):
        assert series.legend.extra_rows == ("combined", "clipped", AGAINST_STEP)
        assert series.legend.groups == {"actor": ("policy", "entropy"), "critic": ("value",)}
        assert len(series.steps) == 4  # 16 iterations of 128 steps, a probe every 512 steps
        assert_the_tabs_quantities_are_the_metrics(series, csv_rows(seeds / name))
    assert not np.array_equal(both[0].gramians, both[1].gramians)


def test_what_if_finds_the_runs_own_direction(seeds):
    """PCGrad's weights from the logged rows give the combined row that the run logged beside them."""
    folder = Folder(seeds)
    for name in folder.listings():
        series = folder.series(name)[name]
        assert series.legend.combiner == "pcgrad"
        matrix, m = what_if.assignment(series.legend), len(OBJECTIVES)
        total = tf.constant(matrix @ series.gramians.sum(1)[:, :m, :m] @ matrix.T)
        rule, zeros = what_if.rules("global")["pcgrad"], tf.zeros(2)
        weights = np.array([rule.weights(one, zeros, (), tf.constant([0, 0]))[0] for one in total]) @ matrix
        weights = np.repeat(weights[:, None], len(series.legend.layers), 1)
        combined = np.eye(len(series.legend.rows))[[series.legend.rows.index("combined")]]
        cosines, lengths = what_if.cosines_with_rows(series.gramians, weights, combined)
        np.testing.assert_allclose(cosines, 1, rtol=1e-6)  # the run added float32 rows
        logged = quantities.overall("norm", series.gramians, series.legend, "combined", "")
        np.testing.assert_allclose(lengths, logged, rtol=1e-6)


def test_tensorboard_starts_without_tensorflow_and_most_of_the_package(root):
    program = (
        "import sys; from rl.tensorboard.plugin.loader import Loader; "
        "loaded = sorted(m for m in sys.modules if m.split('.')[0] in ('tensorflow', 'rl', 'jax', 'hydra')); "
        "print(*loaded)"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=root, check=True, capture_output=True, text=True)
    assert set(result.stdout.split()) == {
        "rl",
        "rl.config_files",
        "rl.plain_json",
        "rl.tensorboard",
        "rl.tensorboard.combiner_options",
        "rl.tensorboard.gramians",
        "rl.tensorboard.plugin",
        "rl.tensorboard.plugin.loader",
    }
