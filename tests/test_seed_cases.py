"""The cases that the project grew out of: gradients with respect to variables that are not trainable."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rl.frozen import freeze
from rl.gradients import LIVE, At, Objective, watched_rows
from rl.networks import MLP, OBSERVATION, Head, actor_critic
from rl.spaces import Discrete, unbounded
from rl.updates import UpdateRule, apply_step
from rl.updates.combiners import PCGrad
from rl.updates.optimizers import SGD


def test_product_with_a_non_trainable_factor():
    """z = x·y: dz/dx = y = 2 and dz/dy = x = 3, in one call."""
    x, y = tf.Variable(3.0, trainable=False), tf.Variable(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        z = x * y
    dz_dx, dz_dy = tape.gradient(z, [x, y])
    assert (float(dz_dx), float(dz_dy)) == (2.0, 3.0)


def test_a_tape_that_is_not_persistent_answers_once():
    x, y = tf.Variable(3.0, trainable=False), tf.Variable(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        z = x * y
    assert float(tape.gradient(z, x)) == 2.0
    with pytest.raises(RuntimeError, match="non-persistent"):
        tape.gradient(z, y)


def test_a_non_trainable_variable_that_is_not_watched_has_no_gradient():
    x, y = tf.Variable(3.0, trainable=False), tf.Variable(2.0)
    with tf.GradientTape() as tape:
        z = x * y
    dz_dx, dz_dy = tape.gradient(z, [x, y])
    assert dz_dx is None
    assert float(dz_dy) == 3.0


@pytest.mark.parametrize(("a", "expected"), [(1.0, (0.0, 0.0, 0.0)), (2.0, (2.0, 2.0, -2.0))])
def test_square_with_two_non_trainable_terms(a, expected):
    """(a + b − c)² at b = 2, c = 3: 2(a + b − c) · (1, 1, −1); a = 1 makes it all zero, and proves nothing."""
    a, b, c = tf.Variable(a, trainable=False), tf.Variable(2.0, trainable=False), tf.Variable(3.0)
    with tf.GradientTape() as tape:
        tape.watch([a, b])
        square = (a + b - c) ** 2
    assert tuple(float(g) for g in tape.gradient(square, [a, b, c])) == expected


class TwoWeights(keras.layers.Layer):
    """Σ (frozen · x + trained)."""

    def build(self, input_shape):
        self.frozen = self.add_weight(name="frozen", shape=(), initializer="ones", trainable=False)
        self.trained = self.add_weight(name="trained", shape=(), initializer="zeros")

    def call(self, x):
        return tf.reduce_sum(self.frozen * x + self.trained)


def test_keras_layer_with_a_non_trainable_and_a_trainable_weight():
    """y = Σ (f x + t) over x = 1, 2, 3: dy/df = Σ x = 6 and dy/dt = 3, the number of terms."""
    layer = TwoWeights()
    x = tf.constant([1.0, 2.0, 3.0])
    layer(x)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([layer.frozen.value, layer.trained.value])
        y = layer(x)
    d_frozen, d_trained = tape.gradient(y, [layer.frozen.value, layer.trained.value])
    assert (float(d_frozen), float(d_trained)) == (6.0, 3.0)


def test_keras_does_not_track_a_raw_variable():
    class Raw(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.raw = tf.Variable(1.0)

    assert Raw().weights == []


def test_tape_refuses_to_watch_a_keras_variable():
    layer = TwoWeights()
    layer(tf.ones(3))
    with tf.GradientTape() as tape, pytest.raises(ValueError, match=r"ndarray|[Tt]ensor|Variable"):
        tape.watch(layer.frozen)


def test_a_layer_frozen_by_trainable_false_is_watched_all_the_same():
    layer = TwoWeights()
    x = tf.ones(3)
    layer(x)
    layer.trainable = False
    with tf.GradientTape() as tape:
        y = layer(x)
    assert layer.trained.trainable is False
    assert float(tape.gradient(y, layer.trained.value)) == 3.0


def network():
    return actor_critic(
        torso=MLP(widths=[8, 8], activation="tanh", layer_norm=False),
        shared=True,
        policy_gain=0.01,
        value_gain=1.0,
        value_bias=0.0,
        initial_log_std=0.0,
        observation_space=unbounded((4,)),
        action_space=Discrete(2),
        seed=3,
        heads={"policy": Head(torso="policy"), "value": Head()},
    ).network


def losses_of(net, observation):
    def losses(roles):
        outputs = net.apply(roles[LIVE], {OBSERVATION: observation})
        return {
            "policy": tf.reduce_mean(tf.nn.log_softmax(outputs["policy"])[:, 0]),
            "value": tf.reduce_mean(tf.square(outputs["value"][:, 0] - 1.0)),
        }, None

    return losses


READS = {"policy": ("torso", "policy"), "value": ("torso", "value")}


def test_a_watched_frozen_copy_gives_the_rows_of_the_live_torso():
    net = network()
    live = net.initial_weights()
    copy = freeze("behaviour", live)
    losses = losses_of(net, tf.random.stateless_normal((16, 4), (1, 2)))
    reads = {name: tuple(At(LIVE, part) for part in parts) for name, parts in READS.items()}
    at_live, at_copy = (watched_rows(losses, {LIVE: weights}, reads) for weights in (live, copy))
    for objective, row in at_live.gradients.items():
        for part, gradients in row.items():
            for a, b in zip(gradients, at_copy.gradients[objective][part], strict=True):
                np.testing.assert_array_equal(a, b)
                assert np.abs(a).max() > 0


def test_rows_of_a_copy_move_the_live_weights_and_leave_the_copy_bit_identical():
    net = network()
    live = net.initial_weights()
    copy = freeze("behaviour", live)
    before = [weight.numpy().copy() for part in copy.values() for weight in part]
    start = [weight.numpy().copy() for part in live.values() for weight in part]
    rule = UpdateRule(
        objectives=[Objective(name, 1.0, {LIVE: parts}) for name, parts in READS.items()],
        groups={"actor": ["policy"], "critic": ["value"]},
        names=net.names,
        heads=net.heads,
        combiner=PCGrad(scope="global"),
        optimizer=SGD(
            learning_rate=1e-2, head_learning_rate=None, rates={}, schedule="constant", clip_norm=None, clip_value=None
        ),
    )
    losses, state = losses_of(net, tf.random.stateless_normal((16, 4), (1, 2))), rule.init(live)
    for update in range(100):
        rows = watched_rows(losses, {LIVE: copy}, **rule.asked)
        direction, state = rule.combine(rows, state, tf.constant([0, update]))
        step, state = rule.step(direction.gradient, live, state, tf.constant(0.0))
        apply_step(live, step.delta)
    for weight, old in zip((w for part in copy.values() for w in part), before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), old)
    moved = [np.abs(w.numpy() - old).max() for w, old in zip((w for p in live.values() for w in p), start, strict=True)]
    assert min(moved) > 0


def test_an_update_rule_refuses_a_frozen_copy_by_name():
    live = network().initial_weights()
    copy = freeze("target", live)
    delta = {"value": tuple(tf.ones_like(weight) for weight in live["value"])}
    with pytest.raises(ValueError, match="frozen/target/value/linear/kernel"):
        apply_step(copy, delta)
