"""A linear layer with few outputs: computed column by column, it is the matrix product, and so are its derivatives."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rl.networks.linear import FewOutputs, linear


def layer_with(kernel, bias):
    layer = FewOutputs(kernel.shape[1], dtype="float64")
    layer.build((None, kernel.shape[0]))
    layer.set_weights([kernel, bias])
    return layer


@pytest.mark.parametrize("outputs", [1, 2, 6])
@pytest.mark.parametrize("leading", [(7,), (2, 5), (1,)])
@pytest.mark.parametrize("compiled", [False, True])
def test_outputs_and_gradients_are_those_of_a_matrix_product(outputs, leading, compiled):
    random = np.random.default_rng(0)
    x, kernel, bias, weight = map(
        random.normal, [0.0] * 4, [1.0] * 4, [(*leading, 3), (3, outputs), (outputs,), (*leading, outputs)]
    )
    layer = layer_with(kernel, bias)

    @tf.function(jit_compile=compiled, autograph=False)
    def derivatives(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            loss = tf.reduce_sum(weight * y)
        return y, tape.gradient(loss, [x, layer.kernel, layer.bias])

    y, (of_x, of_kernel, of_bias) = derivatives(tf.constant(x))
    flat, upstream = x.reshape(-1, 3), weight.reshape(-1, outputs)
    np.testing.assert_allclose(y, x @ kernel + bias, rtol=1e-12)
    np.testing.assert_allclose(of_x, weight @ kernel.T, rtol=1e-12)
    np.testing.assert_allclose(of_kernel, flat.T @ upstream, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(of_bias, upstream.sum(0), rtol=1e-12, atol=1e-14)


def test_each_samples_gradient_by_itself():
    random = np.random.default_rng(1)
    x, kernel = random.normal(size=(4, 3)), random.normal(size=(3, 2))
    layer = layer_with(kernel, np.zeros(2))

    def gradient(sample):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(layer(sample[None])))
        return tape.gradient(loss, layer.kernel.value)

    found = tf.vectorized_map(gradient, tf.constant(x))
    np.testing.assert_allclose(found, 2 * np.einsum("bf,bu->bfu", x, x @ kernel), rtol=1e-12)


def test_the_second_derivative():
    """Σ (x W)³ has the second derivative 6 (x W) x xᵀ with respect to a column of W."""
    random = np.random.default_rng(2)
    x, kernel = random.normal(size=(5, 3)), random.normal(size=(3, 1))
    layer = layer_with(kernel, np.zeros(1))
    with tf.GradientTape() as outer:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(tf.constant(x)) ** 3)
        first = tape.gradient(loss, layer.kernel.value)[:, 0]
    found = outer.jacobian(first, layer.kernel.value)[..., 0]
    np.testing.assert_allclose(found, np.einsum("b,bf,bg->fg", 6 * (x @ kernel)[:, 0], x, x), rtol=1e-10)


@pytest.mark.parametrize(("outputs", "kind"), [(1, FewOutputs), (6, FewOutputs), (7, keras.layers.Dense)])
def test_which_layer(outputs, kind):
    assert type(linear(outputs, "head", gain=1.0, seed=0)) is kind
