"""`CombinedModel`: against plain Keras for `sum`, against one tape per loss for the others; what Keras users expect."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rl import CombinedModel, rows
from rl.library.keras_fit import FunctionalCombinedModel
from rl.updates.combiners import NashMTL, Only, Sum, gradnorm_step, upgrad_weights

random = np.random.default_rng(0)
X = random.normal(size=(32, 3)).astype(np.float32)
Y = {name: random.normal(size=(32, 1)).astype(np.float32) for name in ("b", "a")}
LOSSES = {"b": "mse", "a": keras.losses.MeanAbsoluteError()}
WEIGHTS = {"b": 1.0, "a": 0.25}


def make(kind=CombinedModel, regularizer=None):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(4, "tanh", name="torso", kernel_regularizer=regularizer)(inputs)
    return kind(inputs, {name: keras.layers.Dense(1, name=name)(hidden) for name in ("b", "a")})


class Subclass(CombinedModel):
    """The same model with a `call`."""

    def __init__(self):
        super().__init__()
        keras.utils.set_random_seed(1)
        self.torso = keras.layers.Dense(4, "tanh", name="torso")
        self.heads = [keras.layers.Dense(1, name=name) for name in ("b", "a")]

    def call(self, x):
        hidden = self.torso(x)
        return {head.name: head(hidden) for head in self.heads}


def fitted(model, optimizer=None, fit=None, **compile_with):
    optimizer = keras.optimizers.SGD(0.1) if optimizer is None else optimizer
    model.compile(optimizer, loss=LOSSES, loss_weights=WEIGHTS, **compile_with)
    history = model.fit(X, Y, epochs=2, batch_size=16, shuffle=False, verbose=0, **(fit or {})).history
    return history, [weight.numpy() for weight in model.weights]


def by_hand(steps=4, regularized=0.0, combine=None):
    """Weights after steps of SGD whose torso gradient is combined, by one plain tape per loss."""
    model = make(keras.Model)
    torso, heads = model.get_layer("torso").trainable_variables, model.trainable_variables[2:]
    for step in range(steps):
        half = slice(0, 16) if step % 2 == 0 else slice(16, 32)
        with tf.GradientTape(persistent=True) as tape:
            out = model(X[half])
            b = tf.reduce_mean((out["b"] - Y["b"][half]) ** 2)
            a = 0.25 * tf.reduce_mean(tf.abs(out["a"] - Y["a"][half]))
            decay, total = regularized * tf.reduce_sum(torso[0] ** 2), a + b
        first, second = tape.gradient(b, torso), tape.gradient(a, torso)
        flat = [np.concatenate([np.ravel(one) for one in row]).astype(np.float64) for row in (first, second)]
        gramian = np.array([[one @ other for other in flat] for one in flat])
        weights = [float(w) for w in (combine or upgrad_weights)(tf.constant(gramian))]
        own = tape.gradient(total, heads)
        kernel = tape.gradient(decay, torso[0])
        for k, variable in enumerate(torso):
            variable.assign_sub(0.1 * (weights[0] * first[k] + weights[1] * second[k] + (kernel if k == 0 else 0.0)))
        for variable, gradient in zip(heads, own, strict=True):
            variable.assign_sub(0.1 * gradient)
    return [weight.numpy() for weight in model.weights]


def two_names(variable):
    """Layer and weight of a variable, `torso/kernel`."""
    return "/".join(variable.path.split("/")[-2:])


def check(weights, expected, atol=2e-6):
    """Float32 sums in another order, over four steps of some 0.1."""
    for mine, theirs in zip(weights, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=atol)


def test_sum_trains_the_same_weights_and_reports_the_same_numbers_as_keras_bit_for_bit():
    with_metrics = {"metrics": {"a": ["mae"]}, "fit": {"validation_data": (X, Y)}}
    plain_history, plain = fitted(make(keras.Model), **with_metrics)
    history, weights = fitted(make(), combiner="sum", **with_metrics)
    for mine, theirs in zip(weights, plain, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert history == plain_history
    assert {"loss", "a_loss", "b_loss", "a_mae", "val_loss", "val_a_loss"} <= {*history}


class SumOfRows(Sum):
    """The sum, by one backward pass per loss."""

    is_sum = False


def test_the_sum_of_rows_is_keras_own_step():
    _, plain = fitted(make(keras.Model))
    _, weights = fitted(make(), combiner=SumOfRows(scope="global", row_weights=None))
    check(weights, plain, atol=1e-6)


@pytest.mark.parametrize("how", [{}, {"jit_compile": True}, {"run_eagerly": True}, {"steps_per_execution": 2}], ids=str)
def test_upgrad_trains_as_tapes_by_hand_do(how):
    history, weights = fitted(make(), **how)
    expected = by_hand()
    check(weights, expected)
    assert np.abs(weights[0] - fitted(make(keras.Model))[1][0]).max() > 1e-2
    assert history["loss"][1] < history["loss"][0]


def test_a_subclass_with_call_trains_alike_even_after_a_functional_one():
    functional = make()
    assert type(functional) is FunctionalCombinedModel
    assert isinstance(functional, CombinedModel)
    model = Subclass()
    model(X)
    start, of = functional.get_weights(), [two_names(one) for one in functional.weights]
    model.set_weights([start[of.index(two_names(one))] for one in model.weights])
    weights = fitted(model)[1]
    check([weights[[two_names(one) for one in model.weights].index(names)] for names in of], by_hand())


def test_a_subclass_is_built_by_its_first_batch():
    model = Subclass()
    history, weights = fitted(model)
    assert len(weights) == 6
    assert history["loss"][1] < history["loss"][0]


def test_losses_that_layers_add_are_not_combined():
    _, weights = fitted(make(regularizer=keras.regularizers.L2(0.05)))
    check(weights, by_hand(regularized=0.05))


def test_loss_metrics_equal_those_of_keras():
    """At rate 0 the losses of an epoch are those of evaluation, up to the float32 mean over batches."""
    model = make()
    history, _ = fitted(model, optimizer=keras.optimizers.SGD(0.0))
    found = model.evaluate(X, Y, batch_size=16, verbose=0, return_dict=True)
    for name in ("loss", "a_loss", "b_loss"):
        np.testing.assert_allclose(history[name], [found[name]] * 2, rtol=1e-6)


def test_one_output_alone_is_found_by_name_whatever_the_order():
    for name in ("a", "b"):
        _, weights = fitted(make(), combiner=f"{name}_only")
        place = {"b": [1.0, 0.0], "a": [0.0, 1.0]}[name]
        check(weights, by_hand(combine=lambda _, place=place: place))


def test_a_loss_scale_changes_nothing():
    """Nash-MTL's norm does not grow with the rows: it has to see the Gramian without the scale."""
    rule = NashMTL(scope="global")
    _, plain = fitted(make(), combiner=rule)
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=2.0**10)
    _, weights = fitted(make(), optimizer=scaled, combiner=rule)
    check(weights, plain, atol=1e-6)


def test_gradnorm_learns_from_step_to_step():
    def combine(gramian):
        used, state[0] = state[0], gradnorm_step(gramian, state[0], learning_rate=0.5)
        return used

    state = [tf.ones(2, tf.float64)]
    _, weights = fitted(make(), combiner="gradnorm", combiner_settings={"learning_rate": 0.5})
    check(weights, by_hand(combine=combine))


def test_random_weights_differ_by_step_and_repeat_by_seed():
    runs = [fitted(make(), combiner="random", seed=seed, run_eagerly=True)[1] for seed in (3, 3, 4)]
    for first, second in zip(runs[0], runs[1], strict=True):
        np.testing.assert_array_equal(first, second)
    assert np.abs(runs[0][0] - runs[2][0]).max() > 1e-4


def test_sample_weights_and_frozen_layers_are_respected():
    weight = np.linspace(0, 1, 32).astype(np.float32)
    model = make()
    model.get_layer("a").trainable = False
    before = model.get_layer("a").kernel.numpy()
    _, weights = fitted(model, fit={"sample_weight": weight})
    np.testing.assert_array_equal(model.get_layer("a").kernel.numpy(), before)
    assert np.abs(weights[0] - by_hand()[0]).max() > 1e-3


class TwoLossesOnOneOutput(CombinedModel):
    """Fit and smoothness of one output; no `loss` is compiled."""

    def objectives(self, x, y, y_pred, sample_weight=None):
        return {"fit": tf.reduce_mean((y_pred - y) ** 2), "smooth": tf.reduce_mean(y_pred**2)}


def test_a_subclass_may_have_other_losses_than_one_per_output():
    keras.utils.set_random_seed(2)
    inputs = keras.Input((3,))
    model = TwoLossesOnOneOutput(inputs, keras.layers.Dense(1, name="line")(inputs))
    twin = keras.models.clone_model(keras.Model(model.inputs[0], model.outputs[0]))
    twin.set_weights(model.get_weights())
    model.compile(keras.optimizers.SGD(0.1), combiner="fit_only")
    total = model.fit(X, Y["a"], batch_size=32, verbose=0).history["loss"][0]
    found = rows(lambda: TwoLossesOnOneOutput.objectives(None, X, Y["a"], twin(X)), twin.trainable_variables)
    np.testing.assert_allclose(total, sum(map(float, found.losses.values())), rtol=1e-6)
    found.combine(Only(scope="global", row=0)).apply(keras.optimizers.SGD(0.1))
    check(model.get_weights(), twin.get_weights(), atol=1e-7)


@pytest.mark.parametrize(
    "combiner",
    [
        {"combiner": "cagrad", "combiner_settings": {"c": 0.9, "scope": "layer"}},
        {"combiner": NashMTL(scope="global")},
        {"combiner": "gradnorm", "combiner_settings": {"learning_rate": 0.1}},
        {"combiner": "gradvac", "combiner_settings": {"scope": "layer"}},
    ],
    ids=["name", "instance", "learnt weights", "learnt cosines of each layer"],
)
def test_a_saved_model_goes_on_with_its_combiner_and_optimizer(tmp_path, combiner):
    model = make()
    fitted(model, optimizer=keras.optimizers.Adam(0.01), **combiner)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.combiner == combiner["combiner"]
    for one in (model, loaded):
        one.fit(X, Y, batch_size=16, shuffle=False, verbose=0)
    for mine, theirs in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"combiner": "upgard"}, r"^combiner 'upgard' is unknown; did you mean upgrad"),
        (
            {"combiner": "cagrad", "combiner_settings": {"c": 1.5}},
            r"^combiner\.c is 1\.5; it must be a number in \[0, 1\)",
        ),
        ({"combiner": NashMTL(scope="global"), "combiner_settings": {"c": 1}}, r"^c is given beside a NashMTL"),
    ],
)
def test_a_combiner_that_does_not_fit_is_refused_by_compile(arguments, message):
    with pytest.raises(ValueError, match=message):
        make().compile("sgd", loss=LOSSES, **arguments)


def test_losses_that_share_nothing_are_refused_before_a_weight_moves():
    inputs = keras.Input((3,))
    model = CombinedModel(inputs, {name: keras.layers.Dense(1, name=name)(inputs) for name in ("b", "a")})
    before = [weight.numpy() for weight in model.weights]
    with pytest.raises(ValueError, match=r"^the losses .* share no trainable variable"):
        fitted(model)
    with pytest.raises(ValueError, match=r"^combiner 'c_only' is unknown.* b_only"):
        fitted(make(), combiner="c_only")
    with pytest.raises(ValueError, match="is compiled without a loss"):
        unnamed = make()
        unnamed.compile("sgd")
        unnamed.fit(X, Y, verbose=0)
    for weight, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), old)
