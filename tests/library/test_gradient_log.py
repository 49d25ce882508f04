"""GradientLog: the event file of our own writer for the same rows, the tab's answers, and the errors of bad input."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from gramian_logs import legend
from sources import Folder

from rl import GradientLog
from rl.errors import ConfigError
from rl.gradients import gramian as tf_gramian
from rl.gradients.probes.attribution import attribution
from rl.gradients.probes.cosines import conflict_fraction, row_cosines
from rl.gradients.probes.evidence import Evidence
from rl.gradients.probes.norms import row_norms
from rl.tensorboard.event_files import read_events
from rl.tensorboard.gramians import TAG
from rl.tensorboard.plugin import views, what_if
from rl.tensorboard.writer import Writer

SHAPES = {"torso/dense_0": [(3, 5), (5,)], "torso/dense_1": [(5, 4), (4,)], "scale": [(7,)]}
SIZES = (20, 24, 7)
OF = legend(names=list(SHAPES), extra_rows=("applied",))._replace(sizes=SIZES)
SETTINGS = {
    "coefficients": {"value": 0.5, "entropy": 0.01},
    "groups": {"actor": ["policy", "entropy"], "critic": ["value"]},
    "extra_rows": ["applied"],
}


def random_rows(seed):
    """{row: {layer: [kernel, bias]}} in float32, a value row thirty times as long."""
    random = np.random.default_rng(seed)
    rows = {
        name: {layer: [random.normal(size=shape).astype(np.float32) for shape in of] for layer, of in SHAPES.items()}
        for name in OF.rows
    }
    rows["value"] = {layer: [30 * array for array in of] for layer, of in rows["value"].items()}
    return rows


def products(rows):
    """[L, R, R] by TensorFlow, as our own runs compute it."""
    flat = [[tf.constant(array) for of in rows[name].values() for array in of] for name in OF.rows]
    return tf_gramian(flat, {"torso/dense_0": (0, 1), "torso/dense_1": (2, 3), "scale": (4,)}).numpy()


class Given(Evidence):
    """The part of an update's evidence that probes of the Gramian read, with given products."""

    def __init__(self, gramian):
        self.layers, self.sizes, self.objectives, self.head_norms = OF.layers, OF.sizes, OF.objectives, {}
        self.coefficients, self.gramian = tf.constant(OF.coefficients, tf.float64), tf.constant(gramian)
        lengths = np.sqrt(np.diagonal(gramian.sum(0)))
        self.torso_norms = {name: tf.constant(lengths[i]) for i, name in enumerate(OF.objectives)}

    @property
    def applied(self):
        return self.gramian[:, : self.num_objectives, OF.rows.index("applied")]


def values(folder):
    """[(step, value)] of all summaries of a folder, in the order of the file."""
    return [(event.step, value) for event in read_events(folder) for value in event.summary.value]


def same_tensor(one, other):
    """NumPy's float64 products are TensorFlow's, but for the order of the sums."""
    np.testing.assert_allclose(tf.make_ndarray(one.tensor), tf.make_ndarray(other.tensor), rtol=1e-12, atol=1e-12)


@pytest.fixture
def log(tmp_path):
    with GradientLog(tmp_path / "log", OF.objectives, list(SHAPES), **SETTINGS) as log:
        yield log


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The folder with the runs `ours` and `theirs`, of the same rows and scalars."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "ours").mkdir()
    ours = Writer(folder / "ours")
    with GradientLog(folder / "theirs", OF.objectives, list(SHAPES), **SETTINGS) as theirs:
        for step in (100, 200, 300):
            rows, more = random_rows(step), {"episode/return": step / 10, "policy/kl": 0.01}
            evidence = Given(products(rows))
            numbers = {}
            for probe in (row_norms, row_cosines, conflict_fraction, attribution):
                numbers |= {tag: float(number) for tag, number in probe(evidence).items()}
            numbers |= {"objective/policy": 0.25, "objective/value": 1.5} | more
            if step == 100:
                ours.layout(numbers)
            ours.gramian(evidence.gramian.numpy(), OF, step)
            ours.scalars(numbers, step)
            theirs.write(step, rows=rows, losses={"policy": 0.25, "value": 1.5}, scalars=more)
    ours.close()
    return folder


def test_the_event_file_is_that_of_our_own_writer_value_for_value(both):
    """Tags, their order, steps, metadata and layout are equal; numbers to the rounding of float32."""
    ours, theirs = values(both / "ours"), values(both / "theirs")
    assert [(step, value.tag) for step, value in theirs] == [(step, value.tag) for step, value in ours]
    assert len(ours) > 3 * 30
    for (_, one), (_, other) in zip(theirs, ours, strict=True):
        assert one.metadata == other.metadata, one.tag
        if one.WhichOneof("value") == "simple_value":
            np.testing.assert_allclose(one.simple_value, other.simple_value, rtol=2e-6, atol=1e-7, err_msg=one.tag)
        elif one.tag == TAG:
            np.testing.assert_allclose(
                tf.make_ndarray(one.tensor), tf.make_ndarray(other.tensor), rtol=1e-12, atol=1e-12
            )
        else:
            assert one == other  # the layout


def test_the_tab_reads_both_alike(both):
    runs = Folder(both)
    listings, series = runs.listings(), runs.series("ours", "theirs")
    assert listings["theirs"].problem is None
    assert listings["theirs"].legend == listings["ours"].legend
    np.testing.assert_array_equal(series["theirs"].steps, [100, 200, 300])
    np.testing.assert_allclose(series["theirs"].gramians, series["ours"].gramians, rtol=1e-12, atol=1e-12)


def test_what_if_answers_for_it_and_marks_its_own_combiner(both):
    """With `sum` the groups' weights are 1; UPGrad's direction hurts neither group, to first order."""
    series = Folder(both).series("theirs")["theirs"]
    for scope in ("global", "layer"):
        every = what_if.choices(series.steps, series.gramians, series.legend, scope)
        answer = {one["name"]: one for one in views.alternatives(series, every, 200, scope)["combiners"]}
        assert [name for name, one in answer.items() if one["own"]] == ["sum"]
        np.testing.assert_allclose(answer["sum"]["row_weights"], [1, 1], rtol=1e-12)
    assert (answer["upgrad"]["hurts_groups"] == 0).all()
    assert answer["sum"]["row_weights"].shape == (2,)


def test_rows_a_gramian_and_other_forms_of_either_are_the_same(tmp_path):
    rows = random_rows(0)
    forms = {
        "mapping": {"rows": rows},
        "lists": {"rows": {name: list(of.values()) for name, of in rows.items()}},
        "tree": {
            "rows": {n: {"head": [9.0], **{k: {"k": v[0], "b": v[1:]} for k, v in r.items()}} for n, r in rows.items()}
        },
        "flat": {"rows": {n: [np.concatenate([x.ravel() for x in v]) for v in r.values()] for n, r in rows.items()}},
        "numbers": {
            "rows": {n: [[float(x) for y in v for x in y.ravel()] for v in r.values()] for n, r in rows.items()}
        },
        "tensors": {"rows": {n: [[tf.constant(x) for x in v] for v in r.values()] for n, r in rows.items()}},
        "gramian": {"gramian": products(rows)},
        "by layer": {"gramian": dict(zip(SHAPES, products(rows).tolist(), strict=True))},
    }
    for name, arguments in forms.items():
        layers = dict(zip(SHAPES, SIZES, strict=True)) if "gramian" in arguments else list(SHAPES)
        with GradientLog(tmp_path / name, OF.objectives, layers, **SETTINGS) as log:
            log.write(5, **arguments)
    found = {name: values(tmp_path / name) for name in forms}
    for name, of in found.items():
        assert [value.tag for _, value in of] == [value.tag for _, value in found["mapping"]], name
        for (_, one), (_, other) in zip(of, found["mapping"], strict=True):
            assert one.metadata == other.metadata
            if one.tag == TAG:
                np.testing.assert_allclose(
                    tf.make_ndarray(one.tensor), tf.make_ndarray(other.tensor), rtol=1e-12, atol=1e-12
                )


def test_one_layer_takes_a_matrix_and_unknown_sizes_have_no_band(tmp_path):
    """Rows (3, 4) and (4, 3): norms 5, cosine 24/25."""
    with GradientLog(tmp_path, ["a", "b"], ["all"], combiner="mine") as log:
        log.write(0, gramian=[[25.0, 24.0], [24.0, 25.0]])
    numbers = {value.tag: value.simple_value for _, value in values(tmp_path) if value.WhichOneof("value") != "tensor"}
    assert numbers["gradient/norm/a"] == numbers["gradient/norm/b/all"] == 5
    assert numbers["gradient/cosine/a-b"] == np.float32(24 / 25)
    assert numbers["gradient/conflict/a-b"] == 0
    assert "gradient/null_band" not in numbers
    assert Folder(tmp_path).listings()["."].legend.combiner == "mine"


def test_numbers_that_are_not_finite_are_shown_as_in_our_runs(log, tmp_path):
    """The moment is counted as broken, and its scalars are left out."""
    rows = random_rows(1)
    log.write(1, rows=rows)
    rows["value"]["scale"] = [np.full(7, np.nan)]
    log.write(2, rows=rows, scalars={"episode/return": np.nan})
    log.flush()
    series = Folder(tmp_path).series("log")["log"]
    assert (series.broken, series.left_out, len(series.steps)) == (1, 0, 2)
    second = {value.tag for step, value in values(tmp_path / "log") if step == 2}
    assert "gradient/norm/policy" in second
    assert not {"gradient/norm/value", "gradient/cosine/policy-value", "episode/return"} & second


def test_scalars_alone_may_come_before_between_and_at_a_gramian(log, tmp_path):
    log.write(1, scalars={"episode/return": 1.0})
    log.write(1, rows=random_rows(1))
    log.write(1, scalars={"episode/length": 3})
    log.write(4, losses={"value": np.float32(2)})
    log.close()
    found = [(step, value.tag) for step, value in values(tmp_path / "log")]
    assert found[0] == (1, "episode/return")
    assert found[1] == (0, "custom_scalars__config__")
    assert found[2] == (1, "gradient/gramian")
    assert found[-2:] == [(1, "episode/length"), (4, "objective/value")]
    (layout,) = [value for _, value in values(tmp_path / "log") if value.tag == "custom_scalars__config__"]
    assert b"episode/return" in layout.tensor.string_val[0]
    assert b"From row to step" not in layout.tensor.string_val[0]


def without(rows, name):
    return {key: row for key, row in rows.items() if key != name}


def changed(rows, name, layer, entry):
    return {**rows, name: {**rows[name], layer: entry}}


ROWS = random_rows(2)
GRAMIAN = products(ROWS)
NOT_SYMMETRIC, NEGATIVE, IMPOSSIBLE = GRAMIAN.copy(), GRAMIAN.copy(), GRAMIAN.copy()
NOT_SYMMETRIC[1, 0, 1] *= -1
NEGATIVE[0, 2, 2] *= -1
IMPOSSIBLE[2, 0, 1] = IMPOSSIBLE[2, 1, 0] = 1.5 * np.sqrt(IMPOSSIBLE[2, 0, 0] * IMPOSSIBLE[2, 1, 1])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"rows": without(ROWS, "value")}, "rows: 'policy', 'entropy', 'applied' was given; the rows of this log are "),
        ({"rows": {**ROWS, "values": ROWS["value"]}}, "the rows of this log are policy, value, entropy, applied"),
        ({"rows": [1, 2]}, "rows: list was given; rows are {objective: arrays}"),
        (
            {"rows": {**ROWS, "value": list(ROWS["value"].values())[:2]}},
            "rows['value'] has 2 entries; a row has one for",
        ),
        ({"rows": {**ROWS, "value": without(ROWS["value"], "scale")}}, "rows['value'] has no layer 'scale'; it has "),
        ({"rows": {**ROWS, "value": 3.0}}, "rows['value'] is 3.0; a row is a list with one array for each layer"),
        (
            {"rows": changed(ROWS, "value", "scale", np.ones(6))},
            "rows['value'] has 6 numbers in layer 'scale', rows",
        ),
        (
            {"rows": changed(ROWS, "value", "scale", None)},
            "rows['value'] in layer 'scale': it cannot be read as an array",
        ),
        ({"rows": changed(ROWS, "value", "scale", [None] * 7)}, "(its type is None)"),
        ({"rows": changed(ROWS, "value", "scale", "abc")}, "cannot be read as an array of real numbers"),
        ({"rows": changed(ROWS, "value", "scale", np.ones(7) * 1j)}, "(its type is complex128)"),
        ({"rows": ROWS, "gramian": GRAMIAN}, "rows and gramian: both were given"),
        ({"gramian": GRAMIAN[:2]}, "gramian: its shape is [2, 4, 4]; with 3 layers and 4 rows it must be [3, 4, 4]"),
        ({"gramian": GRAMIAN[0]}, "gramian: its shape is [4, 4]"),
        ({"gramian": {"scale": GRAMIAN[2]}}, "gramian: it has the layers 'scale'; this log has torso/dense_0"),
        ({"gramian": NOT_SYMMETRIC}, "gramian in layer 'torso/dense_1': it is not symmetric"),
        ({"gramian": NEGATIVE}, "gramian in layer 'torso/dense_0': it has -"),
        ({"gramian": IMPOSSIBLE}, "gramian in layer 'scale': it has the negative eigenvalue"),
        ({"losses": {"values": 1.0}}, "losses: 'values' is no objective of this log; they are policy, value, entropy"),
        ({"scalars": {"a": "b"}}, "a: 'b' was given; a scalar is one number"),
        ({"scalars": {"a": [1, 2]}}, "a: [1, 2] was given; a scalar is one number"),
        ({"scalars": {3: 1.0}}, "scalars: the tag 3 was given; a tag is a string"),
        (
            {"rows": ROWS, "scalars": {"gradient/norm/value": 1}},
            "'gradient/norm/value' is logged from the rows",
        ),
        ({"step": 6, "rows": ROWS}, "step: 6 was given after 7; steps do not go backwards"),
        ({"step": 7, "rows": ROWS}, "step: 7 has a Gramian already; a step has one"),
        ({"step": 8.5}, "step: 8.5 was given; a step is a whole number"),
        ({"losses": "policy"}, "losses: 'policy' was given; it is a mapping"),
        ({"scalars": [1.0]}, "scalars: [1.0] was given; it is a mapping"),
        ({"step": 2**60}, "step: 1152921504606846976 was given; a step is in 0 to 2⁵³"),
    ],
)
def test_bad_input_is_refused_with_a_sentence_and_nothing_is_written(log, tmp_path, arguments, sentence):
    log.write(np.int64(7), rows=ROWS)
    with pytest.raises(ConfigError) as error:
        log.write(**{"step": 8, **arguments})
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
    log.write(9, rows=ROWS)
    log.close()
    assert {step for step, value in values(tmp_path / "log")} == {0, 7, 9}


def test_a_layer_keeps_its_size(log):
    log.write(7, rows=ROWS)
    with pytest.raises(ConfigError, match=r"layer 'scale' has 8 numbers; it had 7 before"):
        log.write(8, rows={name: {**row, "scale": np.ones(8)} for name, row in ROWS.items()})


def test_a_refused_moment_teaches_the_log_nothing(log):
    larger = {name: {**row, "scale": np.ones(8)} for name, row in ROWS.items()}
    with pytest.raises(ConfigError, match="a scalar is one number"):
        log.write(7, rows=larger, scalars={"x": "bad"})
    log.write(7, rows=ROWS)


@pytest.mark.parametrize("folder", ["", None, 3])
def test_a_folder_is_a_path(folder):
    with pytest.raises(ConfigError, match="was given; it is a path"):
        GradientLog(folder, ["a"], ["x"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"objectives": "policy"}, "objectives: 'policy' is no list of names"),
        ({"objectives": []}, "objectives: an empty list was given"),
        ({"objectives": ["a", "a"]}, "objectives: a, a was given; names are unique"),
        ({"objectives": ["a/b"]}, "objectives: a/b has a slash"),
        ({"objectives": [f"o{k}" for k in range(65)]}, "it has more than 64 rows"),
        ({"layers": [1]}, "layers: [1] is no list of names"),
        ({"layers": {"x": -1}}, "layers: a layer has -1 weights"),
        ({"extra_rows": ["a"]}, "extra_rows: a is an objective too"),
        ({"coefficients": {"c": 1.0}}, "coefficients: 'c' is no objective; they are a, b"),
        ({"coefficients": {"a": np.nan}}, "coefficients: nan was given for 'a'"),
        ({"groups": {"both": ["a", "c"]}}, "each has at least one of a, b"),
        ({"groups": {"one": ["a"], "other": ["a", "b"]}}, "each objective is in one"),
        ({"groups": {"one": ["a"]}}, "each objective is in one"),
        ({"groups": ["a"]}, "groups: ['a'] was given; it is a mapping"),
        ({"coefficients": [1.0]}, "coefficients: [1.0] was given; it is a mapping"),
        (
            {"objectives": ["a", "a-b", "b", "b-b"]},
            "'a' and 'b-b' would be logged as a-b-b, and so would 'a-b' and 'b'",
        ),
        ({"groups": {"none": []}}, "each has at least one of a, b"),
        ({"combiner": 3}, "combiner: 3 was given; it is a name or None"),
    ],
)
def test_a_log_that_could_not_be_drawn_is_refused(tmp_path, arguments, sentence):
    with pytest.raises(ConfigError) as error:
        GradientLog(tmp_path / "new", **{"objectives": ["a", "b"], "layers": ["x"], **arguments})
    assert sentence in str(error.value)
    assert not (tmp_path / "new").exists()


def test_a_folder_holds_one_log_and_a_closed_log_is_closed(log, tmp_path):
    log.write(1, rows=ROWS)
    log.close()
    log.close()
    with pytest.raises(ConfigError, match="log: this gradient log is closed"):
        log.write(2, rows=ROWS)
    with pytest.raises(ConfigError, match="has the gradient log of another run"):
        GradientLog(tmp_path / "log", ["a"], ["x"])
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file; give a directory"):
        GradientLog(tmp_path / "file", ["a"], ["x"])
    with pytest.raises(ConfigError, match=r"file/below cannot be made: Not a directory\."):
        GradientLog(tmp_path / "file" / "below", ["a"], ["x"])


def test_no_framework_is_imported_by_writing(root, tmp_path):
    program = """
import sys
import numpy as np
from rl import GradientLog
with GradientLog(sys.argv[1], ["policy", "value"], ["dense"], extra_rows=["applied"]) as log:
    log.write(1, rows={name: [np.ones(3)] for name in ("policy", "value", "applied")}, scalars={"episode/return": 1.0})
    log.write(2, gramian=np.eye(3), losses={"policy": 1.0})
print(sorted({"tensorflow", "keras", "torch", "jax", "pydantic", "hydra", "gymnasium"} & {*sys.modules}))
"""
    command = [sys.executable, "-c", program, str(tmp_path / "log")]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "[]\n"), ran.stderr
    assert len(values(tmp_path / "log")) > 30
