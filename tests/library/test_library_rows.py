"""`rows` of any model: against a plain tape, by hand, by finite differences; every combiner; applied steps."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT

from rl import rows
from rl.frozen import freeze
from rl.library.rule_by_name import combiner_of
from rl.tensorboard.combiner_options import combiner_options
from rl.updates.combiners import Only, PCGrad, UPGrad, gradnorm_step, gradvac_weights
from rl.updates.optimizers import SGD, Adam

CASES = json.loads((ROOT / "tests" / "updates" / "combiner_cases.json").read_text())["cases"]
MODES = {
    "eager": lambda function: function,
    "graph": tf.function,
    "xla": tf.function(jit_compile=True),
}


def conflicting():
    """Rows (1, 0) and (−1, 1) on the variables x and y: G = [[1, −1], [−1, 2]]."""
    x, y = tf.Variable(3.0, name="x"), tf.Variable(2.0, name="y")
    return rows(lambda: {"a": x.value(), "b": y - x}, [x, y]), x, y


def two_headed(dtype="float32"):
    """A model with two outputs, data, and its losses as a function."""
    keras.utils.set_random_seed(7)
    inputs = keras.Input((3,), dtype=dtype)
    hidden = keras.layers.Dense(5, activation="tanh", name="torso_0", dtype=dtype)(inputs)
    hidden = keras.layers.Dense(4, activation="tanh", name="torso_1", dtype=dtype)(hidden)
    heads = [keras.layers.Dense(1, name=name, dtype=dtype)(hidden) for name in ("fit", "smooth")]
    model = keras.Model(inputs, heads)
    x = tf.cast(tf.random.stateless_normal((16, 3), (1, 2)), dtype)

    def losses():
        fit, smooth = model(x)
        return {"fit": tf.reduce_mean((fit - x[:, :1]) ** 2), "smooth": tf.reduce_mean(tf.abs(smooth + 1.0) ** 3)}

    return model, losses


def test_rows_norms_cosines_and_conflict_by_hand():
    """a = x y and b = x² − y at (3, 2): rows (y, x) = (2, 3) and (2x, −1) = (6, −1); opposite signs in y alone."""
    x, y = tf.Variable(3.0, trainable=False, name="x"), tf.Variable(2.0, name="y")
    found = rows(lambda: {"a": x * y, "b": x * x - y}, [x, y])
    assert found.objectives == ("a", "b")
    assert found.layers == ("x", "y")
    assert {name: float(loss) for name, loss in found.losses.items()} == {"a": 6.0, "b": 7.0}
    assert found.flat["a"].numpy().tolist() == [2.0, 3.0]
    assert found.flat["b"].numpy().tolist() == [6.0, -1.0]
    assert found.gramian.numpy().tolist() == [[13.0, 9.0], [9.0, 37.0]]
    assert found.gramians.numpy().tolist() == [[[4.0, 12.0], [12.0, 36.0]], [[9.0, -3.0], [-3.0, 1.0]]]
    np.testing.assert_allclose([float(norm) for norm in found.norms.values()], np.sqrt([13.0, 37.0]), rtol=1e-15)
    np.testing.assert_allclose(found.cosines, [[1, 9 / np.sqrt(481)], [9 / np.sqrt(481), 1]], rtol=1e-15)
    assert found.conflict.numpy().tolist() == [[0.0, 0.5], [0.5, 0.0]]


def test_a_variable_that_a_loss_does_not_reach_has_zeros_and_is_not_listed():
    x, y = tf.Variable([1.0, 2.0], name="x"), tf.Variable(2.0, name="y")
    found = rows(lambda: {"a": tf.reduce_sum(x), "b": y * x[0], "c": 0.0 * y}, [x, y])
    assert found.gradients["a"][1].numpy() == 0.0
    assert found.reaches == {"a": ("x",), "b": ("x", "y"), "c": ("y",)}
    assert np.isnan(found.cosines.numpy()[2, 0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_rows_of_a_model_equal_a_plain_tape_for_each_loss(dtype):
    model, losses = two_headed(dtype)
    found = rows(losses, model.trainable_variables)
    assert found.layers == ("torso_0", "torso_1", "fit", "smooth")
    for name in ("fit", "smooth"):
        with tf.GradientTape() as tape:
            loss = losses()[name]
        weights = [variable.value for variable in model.trainable_variables]
        expected = tape.gradient(loss, weights, unconnected_gradients="zero")
        for mine, theirs in zip(found.gradients[name], expected, strict=True):
            assert mine.dtype.name == dtype
            np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(found.flat["fit"], np.concatenate(found.by_layer["fit"]))
    assert [len(part) for part in found.by_layer["fit"]] == [20, 24, 5, 5]


def test_rows_of_a_model_are_its_central_differences():
    """In float64 with h = 1e−5 the differences are good to h² ~ 1e−10, and rounding 1e−16/h ~ 1e−11."""
    model, losses = two_headed("float64")
    variables = model.trainable_variables
    found = rows(losses, variables)
    for name in found.objectives:
        for variable, row in zip(variables, found.gradients[name], strict=True):
            value, at = variable.numpy(), (0,) * len(variable.shape)
            ends = []
            for h in (1e-5, -1e-5):
                moved = value.copy()
                moved[at] += h
                variable.assign(moved)
                ends.append(float(losses()[name]))
            variable.assign(value)
            np.testing.assert_allclose(row.numpy()[at], (ends[0] - ends[1]) / 2e-5, atol=1e-8)


class TwoWeights(keras.layers.Layer):
    """Σ (frozen · x + trained)."""

    def build(self, input_shape):
        self.frozen = self.add_weight(name="frozen", shape=(), initializer="ones", trainable=False)
        self.trained = self.add_weight(name="trained", shape=(), initializer="zeros")

    def call(self, x):
        return tf.reduce_sum(self.frozen * x + self.trained)


def test_frozen_layers_and_raw_variables_have_rows():
    """y = Σ (f x + t) over x = 1, 2, 3 in a frozen layer: dy/df = 6, dy/dt = 3; and a raw variable's d(r²)/dr = 2r."""
    layer = TwoWeights(name="layer")
    layer.build(None)
    layer.trainable = False
    raw = tf.Variable(5.0, trainable=False, name="raw")
    found = rows(
        lambda: {"y": tf.reduce_sum(layer(tf.constant([1.0, 2.0, 3.0]))), "r": raw**2}, [*layer.variables, raw]
    )
    assert found.layers == ("layer", "raw")
    assert {one.path for one in layer.variables} == {"layer/frozen", "layer/trained"}
    assert dict(zip(found.watched.names, found.flat["y"].numpy(), strict=True)) == {
        "layer/frozen": 6.0,
        "layer/trained": 3.0,
        "raw": 0.0,
    }
    assert found.flat["r"].numpy().tolist() == [0.0, 0.0, 10.0]


def test_sparse_gradients_of_an_embedding_are_rows_too():
    table = tf.Variable(tf.ones((4, 2)), name="table")
    found = rows(lambda: {"a": tf.reduce_sum(tf.gather(table, [1, 1, 3]))}, [table])
    assert found.gradients["a"][0].numpy().tolist() == [[0, 0], [2, 2], [0, 0], [1, 1]]


def test_names_stay_distinct_and_a_mapping_names_the_layers():
    variables = [tf.Variable(1.0) for _ in range(2)] + [tf.Variable(1.0, name=f"d/{w}") for w in "kbk"]
    found = rows(lambda: {"a": tf.add_n(variables)}, variables)
    assert found.watched.names == ("Variable", "Variable_1", "d/k", "d/b", "d_1/k")
    assert found.layers == ("Variable", "Variable_1", "d", "d_1")
    named = rows(lambda: {"a": tf.add_n(variables)}, {"torso": variables[:3], "head": variables[3:]})
    assert named.layers == ("torso", "head")
    assert named.gramian.numpy().tolist() == [[5.0]]
    assert named.gramians.numpy().tolist() == [[[3.0]], [[2.0]]]


@pytest.mark.parametrize("mode", MODES)
def test_eager_graph_and_xla_give_the_same_numbers_and_step(mode):
    """Float32 rows agree to the rounding of another order of operations, some 1e−7 of their size."""
    model, losses = two_headed()
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(model.trainable_variables)

    def step():
        found = rows(losses, model.trainable_variables)
        combined = found.combine("upgrad")
        combined.apply(optimizer)
        return found.gramian, found.cosines, found.conflict, found.norms, found.losses, combined.weights

    numbers = MODES[mode](step)()
    twin, twin_losses = two_headed()
    expected = rows(twin_losses, twin.trainable_variables)
    pairs = [numbers[0], *numbers[3].values()], [expected.gramian, *expected.norms.values()]
    for one, other in zip(*pairs, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-6)
    np.testing.assert_allclose(numbers[1], expected.cosines, atol=2e-6)
    np.testing.assert_array_equal(numbers[2], expected.conflict)
    np.testing.assert_allclose(list(numbers[4].values()), list(expected.losses.values()), rtol=1e-6)
    combined = expected.combine("upgrad")
    np.testing.assert_allclose(list(numbers[5].values()), list(combined.weights.values()), rtol=2e-6)
    for moved, start, gradient in zip(
        model.trainable_variables, twin.trainable_variables, combined.gradient, strict=True
    ):
        np.testing.assert_allclose(moved, start.numpy() - 0.1 * gradient.numpy(), atol=1e-6)


@pytest.mark.parametrize("rule", ["upgrad", "mgda", "config", "imtl_g", "aligned_mtl", "mean", "sum"])
def test_combined_gradients_are_the_golden_ones(rule):
    """Linear losses J x have the golden cases' Jacobians as rows."""
    for case in CASES[::4]:
        if "exact_weights" not in case["results"][rule]:
            continue
        jacobian = np.array(case["jacobian"])
        x = tf.Variable(tf.zeros(jacobian.shape[1], tf.float64))
        found = rows(lambda j=jacobian, x=x: {f"l{i}": tf.tensordot(row, x, 1) for i, row in enumerate(j)}, [x])
        np.testing.assert_allclose(found.gramian, case["gramian"], rtol=1e-12, atol=1e-15)
        expected = jacobian.T @ np.array(case["results"][rule]["exact_weights"])
        gradient = found.combine(rule).gradient[0]
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-10 * np.abs(jacobian).max())


def test_every_combiner_of_the_configs_gives_its_own_weights():
    found, _, _ = conflicting()
    names = [file.stem for file in sorted((ROOT / "configs" / "combiner").glob("[!_]*.yaml"))]
    assert len(names) > 14
    for name in names:
        if name.endswith("_only"):
            continue
        rule, seed = combiner_of(name, found.objectives, {}), tf.constant([0, 5])
        state = rule.init(2)
        expected, _ = rule.weights(found.gramian, tf.constant([3.0, -1.0]), state, seed)
        combined = found.combine(name, state=None, seed=5)
        np.testing.assert_array_equal(list(combined.weights.values()), expected)
        weights = expected.numpy().astype(np.float32)
        np.testing.assert_allclose(combined.gradient, [weights[0] - weights[1], weights[1]], rtol=1e-6)


def test_one_objective_alone_goes_by_its_name():
    found, _, _ = conflicting()
    assert [float(g) for g in found.combine("a_only").gradient] == [1.0, 0.0]
    assert [float(g) for g in found.combine("b_only").gradient] == [-1.0, 1.0]


def test_settings_and_scope():
    """Per layer x the rows are 1 and −1, per layer y 0 and 1: UPGrad halves PCGrad's w = 2, 2 and 1, 1."""
    found, _, _ = conflicting()
    by_layer = found.combine("upgrad", scope="layer")
    np.testing.assert_allclose(by_layer.weights["a"], [1.0, 0.5], rtol=1e-12)
    np.testing.assert_allclose(by_layer.weights["b"], [1.0, 0.5], rtol=1e-12)
    assert [float(g) for g in by_layer.gradient] == [0.0, 0.5]
    same = found.combine(UPGrad(scope="layer", preference=None))
    np.testing.assert_array_equal(same.weights["a"], by_layer.weights["a"])
    assert [float(w) for w in found.combine("sum", row_weights=[2.0, 3.0]).weights.values()] == [2.0, 3.0]


def test_upgrad_step_by_hand():
    """PCGrad's w = (1 + 1/1, 1 + 1/2), UPGrad half of it: g = (1 − ¾, ¾); from (3, 2) at rate 0.4 to (2.9, 1.7)."""
    found, x, y = conflicting()
    combined = found.combine("upgrad")
    assert [float(w) for w in combined.weights.values()] == [1.0, 0.75]
    combined.apply(keras.optimizers.SGD(0.4))
    np.testing.assert_allclose([float(x), float(y)], [2.9, 1.7], rtol=1e-6)


def test_the_applied_step_changes_each_loss_by_its_row_times_the_step():
    """ΔL = g·Δw + O(|Δw|²): with |Δw| ~ 5e−6 in float64 the rest is below 1e−9, and g·Δw some 3e−5."""
    model, losses = two_headed("float64")
    before = {name: float(loss) for name, loss in losses().items()}
    found = rows(losses, model.trainable_variables)
    start = np.concatenate([v.numpy().ravel() for v in model.trainable_variables])
    found.combine("upgrad").apply(keras.optimizers.SGD(1e-6))
    delta = np.concatenate([v.numpy().ravel() for v in model.trainable_variables]) - start
    for name, loss in losses().items():
        linear = found.flat[name].numpy() @ delta
        assert linear < -1e-6
        np.testing.assert_allclose(float(loss) - before[name], linear, atol=1e-9)


def test_sum_with_sgd_is_a_plain_step_of_the_summed_loss():
    (model, losses), (twin, twin_losses) = two_headed(), two_headed()
    rows(losses, model.trainable_variables).combine("sum").apply(keras.optimizers.SGD(0.1))
    with tf.GradientTape() as tape:
        loss = tf.add_n(list(twin_losses().values()))
    keras.optimizers.SGD(0.1).apply(tape.gradient(loss, twin.trainable_variables), twin.trainable_variables)
    for mine, theirs in zip(model.trainable_variables, twin.trainable_variables, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-7)  # the two backward passes add in another order


def test_own_sgd_clips_as_the_update_rule_does():
    """g = (¼, ¾) has norm √10/4; clipped to ½ and at rate 2 the step is −(1, 3)/√10."""
    found, x, y = conflicting()
    own = {"head_learning_rate": None, "rates": {}, "schedule": "constant", "clip_value": None}
    assert found.combine("upgrad").apply(SGD(learning_rate=2.0, clip_norm=0.5, **own)) == ()
    np.testing.assert_allclose([float(x) - 3, float(y) - 2], -np.array([1, 3]) / np.sqrt(10), rtol=1e-6)


def test_own_adam_carries_its_slots_outside():
    """Adam's step under a constant gradient is −α sign(g) at every t, and its count grows."""
    found, x, y = conflicting()
    own = {"head_learning_rate": None, "rates": {}, "schedule": "constant", "clip_value": None, "clip_norm": None}
    adam = Adam(learning_rate=0.1, beta1=0.9, beta2=0.999, epsilon=1e-8, **own)
    combined, slots = found.combine("upgrad"), None
    for count in (1, 2):
        slots = combined.apply(adam, slots=slots)
        assert float(slots.count) == count
        np.testing.assert_allclose([float(x) - 3, float(y) - 2], [-0.1 * count, -0.1 * count], rtol=1e-5)
    with pytest.raises(ValueError, match=r"^slots do not fit Adam.*slots=None at the first step"):
        combined.apply(adam)


def test_rows_of_a_frozen_copy_move_the_live_weights_and_leave_the_copy_bit_identical():
    live = tf.Variable([1.0, -2.0], name="w")
    (copy,) = freeze("target", {"w": (live,)})["w"]
    found = rows(lambda: {"a": tf.reduce_sum(copy**2), "b": tf.reduce_sum(3.0 * copy)}, [copy])
    combined = found.combine("sum")
    with pytest.raises(ValueError, match=r"^the variable 'frozen/target/w' is not trainable"):
        combined.apply(keras.optimizers.SGD(0.5))
    assert live.numpy().tolist() == [1.0, -2.0]
    combined.apply(keras.optimizers.SGD(0.5), variables=[live])
    assert live.numpy().tolist() == [-1.5, -1.5]  # w − ½ (2 w + 3)
    assert copy.numpy().tolist() == [1.0, -2.0]
    with pytest.raises(ValueError, match=r"^variables of `apply` have the shapes \[\(3,\)\].*\[\(2,\)\]"):
        combined.apply(keras.optimizers.SGD(0.5), variables=[tf.Variable(tf.zeros(3))])


@pytest.mark.parametrize("mode", MODES)
def test_a_combiner_that_learns_carries_its_state_in_the_open(mode):
    """GradNorm uses 1, 1 first and then what one step of its algorithm made of them; GradVac likewise with φ."""
    found, x, y = conflicting()

    def step(state):
        again = rows(lambda: {"a": x.value(), "b": y - x}, [x, y])
        one = again.combine("gradnorm", state=state[0], learning_rate=0.5)
        other = again.combine("gradvac", state=state[1], beta=0.25)
        return (list(one.weights.values()), list(other.weights.values())), (one.state, other.state)

    run = MODES[mode](step)
    first, state = run((None, None))
    second, _ = run(state)
    np.testing.assert_allclose(first[0], [1.0, 1.0])
    expected = gradnorm_step(found.gramian, tf.ones(2, tf.float64), learning_rate=0.5)
    np.testing.assert_allclose(second[0], expected, rtol=1e-12)
    assert abs(float(expected[0]) - 1.0) > 0.1
    orders = tf.constant([[0, 1], [0, 1]])
    _, phi = gradvac_weights(found.gramian, orders, tf.zeros((2, 2), tf.float64), beta=0.25)
    np.testing.assert_allclose(second[1], gradvac_weights(found.gramian, orders, phi, beta=0.25)[0], rtol=1e-12)


def test_a_seed_decides_what_is_drawn():
    x = tf.Variable([1.0, 2.0, 3.0])
    rotate = [[1.0, -2.0, 0.5], [-1.0, 1.0, 1.0], [0.5, 1.0, -3.0]]
    found = rows(lambda: {f"l{i}": tf.tensordot(x, row, 1) for i, row in enumerate(rotate)}, [x])
    weights = [list(map(float, found.combine("random", seed=seed).weights.values())) for seed in (1, 1, 2)]
    assert weights[0] == weights[1] != weights[2]
    orders = {tuple(map(float, found.combine("pcgrad", seed=seed).weights.values())) for seed in range(8)}
    assert len(orders) > 1
    iterations = keras.optimizers.SGD().iterations
    expected, _ = PCGrad(scope="global").weights(found.gramian, None, (), tf.constant([0, 0]))
    np.testing.assert_array_equal(list(found.combine("pcgrad", seed=iterations).weights.values()), expected)


@pytest.mark.parametrize("num_rows", [2, 3])
def test_a_combiner_asks_for_a_seed_just_where_its_weights_depend_on_it(num_rows):
    jacobian = np.array([[1.0, -2.0, 0.5], [-1.0, 1.0, 1.0], [0.5, 1.0, -3.0]])[:num_rows]
    gramian, losses = tf.constant(jacobian @ jacobian.T), tf.zeros(num_rows)
    for option in combiner_options():
        rule = combiner_of(option.name, (), {}) if option.class_name != "Only" else Only(scope="global", row=0)
        state = rule.init(num_rows)
        drawn = {tuple(rule.weights(gramian, losses, state, tf.constant([0, s]))[0].numpy()) for s in range(6)}
        assert rule.is_random(num_rows) == (len(drawn) > 1), option.name


X, Y, NUMBER = tf.Variable(3.0, name="x"), tf.Variable([2.0, 1.0], name="y"), tf.Variable(1, name="count")
GOOD = {"a": lambda: X * X, "b": lambda: -X * tf.reduce_sum(Y)}


def good():
    return {name: loss() for name, loss in GOOD.items()}


@pytest.mark.parametrize(
    ("losses", "variables", "message"),
    [
        ({"a": 1.0}, [X], r"^losses is a dict; it must be a function without arguments"),
        (lambda: X * X, [X], r"^losses\(\) returned .*; it must return \{objective: loss\}"),
        (dict, [X], r"^losses\(\) returned \{\}; it must return .* at least one objective"),
        (lambda: {0: X * X}, [X], r"^losses\(\) has the objective 0; a name is a string"),
        (lambda: {"a": X * Y}, [X], r"^objective 'a' is a loss of shape \(2,\), float32; .* such as a tf.reduce_mean"),
        (lambda: {"a": tf.cast(X, tf.int32)}, [X], r"^objective 'a' is a loss of shape \(\), int32"),
        (lambda: {"a": "zero"}, [X], r"^objective 'a' is a loss of shape \(\), string"),
        (lambda: {"a": None}, [X], r"^objective 'a' is null; it must be a scalar loss"),
        (lambda: {"a": X * X, "b": 2.0}, [X], r"^objective 'b' reaches none of the variables \(x\)"),
        (lambda: {"a": X * X, "b": tf.stop_gradient(X)}, [X], r"^objective 'b' reaches none of the variables \(x\)"),
        (good, [], r"^variables is empty; .* before it is built"),
        (good, X, r"^variables is a ResourceVariable; it must be a list"),
        (good, [X, tf.constant(1.0)], r"^variables\[1\] is .*Tensor; it must be a tf.Variable or a keras.Variable"),
        (good, [X, Y, X], r"^variables has 'x' twice"),
        (good, [X, NUMBER], r"^variables\[1\], 'count', has dtype int32; a gradient needs floating-point numbers"),
    ],
)
def test_input_that_has_no_rows_is_refused_in_one_sentence(losses, variables, message):
    with pytest.raises(ValueError, match=message):
        rows(losses, variables)


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (
            ["upgard"],
            {},
            r"^combiner 'upgard' is unknown; did you mean upgrad\? it must be one of aligned_mtl, .*b_only",
        ),
        (["c_only"], {}, r"^combiner 'c_only' is unknown"),
        ([None], {}, r"^combiner is null; it must be the name of one"),
        (["cagrad"], {"c": 2.0}, r"^combiner\.c is 2\.0; it must be a number in \[0, 1\)"),
        (["cagrad"], {"d": 0.5}, r"^combiner\.d is unknown"),
        (["mean"], {"scope": "all"}, r"^combiner\.scope is 'all'; it must be one of global, layer"),
        (["upgrad"], {"preference": [1.0]}, r"^combiner\.preference is \[1\.0\]; it needs .* the 2 rows"),
        ([PCGrad(scope="global")], {"scope": "layer"}, r"^scope is given beside a PCGrad, which has its own settings"),
        (["gradnorm"], {}, r"^state does not fit GradNorm .* state=None at the first step"),
        (["gradnorm"], {"state": tf.ones(3, tf.float64)}, r"^state does not fit GradNorm"),
        (["mgda"], {"state": tf.ones(2)}, r"^state does not fit MGDA"),
        (["random"], {}, r"^RandomWeights draws random numbers for 2 rows: pass seed="),
        (["random"], {"seed": 0.5}, r"^seed is 0\.5; it must be a whole number"),
    ],
)
def test_a_combiner_that_does_not_fit_is_refused_in_one_sentence(arguments, settings, message):
    with pytest.raises(ValueError, match=message):
        rows(good, [X, Y]).combine(*arguments, **settings)


def test_an_optimizer_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"^optimizer is 'adam', a str; it must be a keras.optimizers.Optimizer"):
        rows(good, [X, Y]).combine("sum").apply("adam")
