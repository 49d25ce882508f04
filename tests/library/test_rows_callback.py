"""`RowsCallback`: what the Gradients tab reads are the model's rows, and training is as it is without the callback."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sources import Folder

from rl import CombinedModel, RowsCallback, rows
from rl.tensorboard.event_files import read_events

random = np.random.default_rng(0)
X = random.normal(size=(48, 3)).astype(np.float32)
Y = {name: random.normal(size=(48, 1)).astype(np.float32) for name in ("a", "b")}
BATCH = (X[:20], {name: y[:20] for name, y in Y.items()})


def make(kind=keras.Model):
    """A model with every state that looking could change: batch statistics, dropout's seed, metrics."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(4, "tanh", name="torso")(inputs)
    hidden = keras.layers.Dropout(0.5, seed=3)(keras.layers.BatchNormalization(name="norm")(hidden))
    return kind(inputs, {name: keras.layers.Dense(1, name=name)(hidden) for name in ("a", "b")})


def fitted(model, callbacks=(), epochs=2, **compile_with):
    model.compile(
        keras.optimizers.SGD(0.1), loss={"a": "mse", "b": "mae"}, loss_weights={"a": 1.0, "b": 0.25}, **compile_with
    )
    fit = {"epochs": epochs, "batch_size": 16, "shuffle": False, "verbose": 0, "callbacks": list(callbacks)}
    return model.fit(X, Y, **fit).history


def logged(folder):
    """What the tab reads of the run: its series, and the losses {step: {tag: number}}."""
    losses = {}
    for event in read_events(folder):
        for value in event.summary.value:
            if value.tag.startswith("objective/"):
                losses.setdefault(event.step, {})[value.tag] = value.simple_value
    return Folder(folder.parent).series(folder.name)[folder.name], losses


@pytest.fixture
def place(tmp_path):
    """The folder of a run, the only one in its parent, all of whose runs the tab would read."""
    return tmp_path / "run"


@pytest.mark.parametrize("kind", [keras.Model, CombinedModel])
def test_training_is_bit_for_bit_as_it_is_without_the_callback(place, kind):
    plain, looked_at = make(kind), make(kind)
    expected = fitted(plain)
    history = fitted(looked_at, [RowsCallback(place, BATCH, every=2)])
    assert history == expected
    for mine, theirs in zip(looked_at.variables, plain.variables, strict=True):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
    assert logged(place)[0].steps.tolist() == [0, 2, 4, 6]


def test_the_log_has_the_rows_of_the_raw_losses_on_the_shared_layers(place):
    model = make()
    dropout = next(layer for layer in model.layers if isinstance(layer, keras.layers.Dropout))
    seed = dropout.seed_generator.state.numpy()
    shared = [*model.get_layer("torso").trainable_variables, *model.get_layer("norm").trainable_variables]
    x, y = BATCH

    def losses():
        out = model(x, training=True)
        return {"a": tf.reduce_mean((out["a"] - y["a"]) ** 2), "b": tf.reduce_mean(tf.abs(out["b"] - y["b"]))}

    first = rows(losses, shared)
    dropout.seed_generator.state.assign(seed)
    for name in ("moving_mean", "moving_variance"):
        variable = getattr(model.get_layer("norm"), name)
        variable.assign(tf.zeros_like(variable) if name == "moving_mean" else tf.ones_like(variable))
    fitted(model, [RowsCallback(place, BATCH, every=4)])
    series, values = logged(place)
    assert series.steps.tolist() == [0, 4]
    np.testing.assert_allclose(series.gramians[0], first.gramians, rtol=2e-5, atol=1e-9)
    assert np.abs(series.gramians[1] - series.gramians[0]).max() > 1e-3
    for name, loss in first.losses.items():
        np.testing.assert_allclose(values[0][f"objective/{name}"], float(loss), rtol=1e-6)
    assert series.legend.layers == ("torso", "norm")
    assert series.legend.sizes == (16, 8)
    assert (series.legend.objectives, series.legend.coefficients) == (("a", "b"), (1.0, 0.25))


def test_a_second_fit_goes_on_in_the_log(place):
    model, callback = make(), RowsCallback(place, tf.data.Dataset.from_tensors(BATCH), every=3)
    fitted(model, [callback], epochs=1)
    model.fit(X, Y, batch_size=16, verbose=0, callbacks=[callback])
    assert logged(place)[0].steps.tolist() == [0, 3, 6]


def test_the_log_of_a_restored_model_goes_on(place):
    """Two epochs, lost after the second, restored after the first: the log is that of two epochs in a row."""
    model, lost, whole = make(), place / "lost", place / "whole"
    fitted(model, [RowsCallback(whole, BATCH, every=1)])
    model = make()
    fitted(model, [RowsCallback(lost, BATCH, every=1)], epochs=1)
    saved = [variable.numpy() for variable in (*model.variables, *model.optimizer.variables)]
    go_on = {"batch_size": 16, "shuffle": False, "verbose": 0}
    for _ in range(2):
        for variable, value in zip((*model.variables, *model.optimizer.variables), saved, strict=True):
            variable.assign(value)
        model.fit(X, Y, **go_on, callbacks=[RowsCallback(lost, BATCH, every=1, resume=True)])
    (one, numbers), (other, expected) = logged(lost), logged(whole)
    assert one.steps.tolist() == other.steps.tolist() == [0, 1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(one.gramians, other.gramians, rtol=1e-5, atol=1e-9)
    assert numbers.keys() == expected.keys()


@pytest.mark.parametrize(
    ("data", "every", "message"),
    [
        (X, 1, r"^data is a ndarray; it must be \(x, y\) or \(x, y, sample_weight\)"),
        (BATCH, 0, r"^every is 0; it must be a positive number of steps"),
    ],
)
def test_input_that_does_not_fit_is_refused(place, data, every, message):
    with pytest.raises(ValueError, match=message):
        RowsCallback(place, data, every=every)


def test_a_model_whose_losses_share_nothing_is_refused_before_it_trains(place):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, {name: keras.layers.Dense(1, name=name)(inputs) for name in ("a", "b")})
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"^the losses a, b share no trainable variable"):
        fitted(model, [RowsCallback(place, BATCH)])
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)
