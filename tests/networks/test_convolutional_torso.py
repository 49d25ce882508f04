"""The convolutional torso against TensorFlow's own convolution."""

import numpy as np
import pytest
import tensorflow as tf

from rl.errors import ConfigError
from rl.networks import OBSERVATION, ConvolutionalTorso, Head, actor_critic
from rl.randomness import uniforms
from rl.spaces import Discrete, unbounded

TORSO = ConvolutionalTorso(filters=5, widths=[7], activation="relu")


def build(shape):
    return actor_critic(
        torso=TORSO,
        shared=True,
        policy_gain=0.01,
        value_gain=1.0,
        value_bias=0.0,
        initial_log_std=0.0,
        observation_space=unbounded(shape),
        action_space=Discrete(3),
        seed=4,
        heads={"policy": Head(torso="policy"), "value": Head()},
    )


def test_patches_and_a_matrix_product_are_a_convolution():
    """A kernel [9 C, F] in the order rows, columns, channels is [3, 3, C, F]; sums of 36 products in float32."""
    model = build((10, 8, 4))
    weights = model.network.initial_weights()
    frames = uniforms(tf.constant([1, 2]), (6, 10, 8, 4)) - 0.5
    kernel, bias, dense_kernel, dense_bias = weights["torso"]
    features = tf.nn.relu(tf.nn.conv2d(frames, tf.reshape(kernel, (3, 3, 4, 5)), 1, "VALID") + bias)
    features = tf.nn.relu(tf.reshape(features, (6, -1)) @ dense_kernel + dense_bias)
    expected = features @ weights["value"][0] + weights["value"][1]
    np.testing.assert_allclose(
        model.network.apply(weights, {OBSERVATION: frames})["value"], expected, rtol=1e-4, atol=1e-5
    )


def test_its_layers_are_named_and_start_orthogonal():
    weights = build((10, 10, 4)).network.initial_weights()["torso"]
    assert [w.name.split(":")[0] for w in weights] == [
        "torso/convolution/kernel",
        "torso/convolution/bias",
        "torso/dense_0/kernel",
        "torso/dense_0/bias",
    ]
    kernel = weights[0].numpy()
    np.testing.assert_allclose(kernel.T @ kernel, 2 * np.eye(5), atol=1e-5)  # gain √2
    assert not weights[1].numpy().any()


def test_what_is_no_picture_is_refused():
    with pytest.raises(ConfigError, match="needs frames"):
        build((4,))
    with pytest.raises(ConfigError, match="filters is 0"):
        ConvolutionalTorso(filters=0, widths=[7], activation="relu")
