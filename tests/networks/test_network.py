"""A network of parts: values by hand, what gradients reach, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rl.networks import OBSERVATION, Network, Output, Part


def linear(units, name="linear"):
    return keras.Sequential([keras.layers.Dense(units, name=name)])


class Parameter(keras.layers.Layer):
    """One number."""

    def build(self, shape):
        self.number = self.add_weight(name="number", shape=(1,), initializer="ones")

    def compute_output_shape(self, shape):
        return (1,)


def network(*, detached=False):
    """A torso on the observation, a policy on it, a value of state and action (a Q), and a bare temperature."""
    parts = {
        "torso": Part(linear(2), (OBSERVATION,)),
        "policy": Part(linear(2), ("torso",)),
        "q": Part(linear(1), ("torso", "action"), detached),
        "temperature": Part(Parameter(name="parameter"), ()),
    }
    return Network(parts, {OBSERVATION: (2,), "action": (1,)}, ("policy", "q", "temperature"))


WEIGHTS = {
    "torso": (tf.constant([[1.0, 2.0], [0.0, 1.0]]), tf.constant([0.5, 0.0])),
    "policy": (tf.constant([[1.0, 0.0], [1.0, 1.0]]), tf.constant([0.0, 1.0])),
    "q": (tf.constant([[1.0], [2.0], [3.0]]), tf.constant([0.25])),
    "temperature": (tf.constant([7.0]),),
}
INPUTS = {OBSERVATION: tf.constant([[1.0, 2.0]]), "action": tf.constant([[10.0]])}


def test_outputs_by_hand():
    """h = (1, 2) [[1, 2], [0, 1]] + (½, 0) = (1½, 4); policy: (1½ + 4, 4) + (0, 1); q: 1½ + 8 + 30 + ¼."""
    found = network().apply(WEIGHTS, INPUTS)
    np.testing.assert_array_equal(found["policy"], [[5.5, 5.0]])
    np.testing.assert_array_equal(found["q"], [[39.75]])
    np.testing.assert_array_equal(found["temperature"], [7.0])


def test_only_what_is_asked_for_is_computed_and_a_given_part_is_not():
    net = network()
    assert list(net.apply(WEIGHTS, {OBSERVATION: INPUTS[OBSERVATION]}, ("policy",))) == ["policy"]
    given = net.apply(WEIGHTS, {"torso": tf.constant([[1.0, 1.0]]), "action": tf.constant([[0.0]])}, ("q",))
    np.testing.assert_array_equal(given["q"], [[3.25]])


def gradients_of(net, output, weights=WEIGHTS):
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([tensor for tensors in weights.values() for tensor in tensors])
        loss = tf.reduce_sum(net.apply(weights, INPUTS, (output,))[output])
    return tape.gradient(loss, weights)


def test_gradients_reach_the_parts_that_a_head_reads_and_no_other():
    """dq/dh = (1, 2), so dq/dK = xᵀ (1, 2) and dq/db = (1, 2); dq/dW = (1½, 4, 10)."""
    net = network()
    assert net.reads == {"policy": ("torso", "policy"), "q": ("torso", "q"), "temperature": ("temperature",)}
    found = gradients_of(net, "q")
    np.testing.assert_array_equal(found["torso"][0], [[1.0, 2.0], [2.0, 4.0]])
    np.testing.assert_array_equal(found["torso"][1], [1.0, 2.0])
    np.testing.assert_array_equal(found["q"][0], [[1.5], [4.0], [10.0]])
    for head, reads in net.reads.items():
        reached = {part for part, own in gradients_of(net, head).items() if any(one is not None for one in own)}
        assert reached == set(reads)


def test_from_a_detached_head_no_gradient_reaches_the_torso_and_its_output_is_the_same():
    net = network(detached=True)
    assert net.reads["q"] == ("q",)
    assert net.routes["q"] == ("torso", "q")
    np.testing.assert_array_equal(net.apply(WEIGHTS, INPUTS)["q"], [[39.75]])
    assert all(gradient is None for gradient in gradients_of(net, "q")["torso"])


def test_a_gradient_with_respect_to_a_parts_output():
    """dq/dh = (1, 2), and a nudge of (1, 0) changes q by 1."""
    net, nudge = network(), tf.zeros((1, 2))
    with tf.GradientTape() as tape:
        tape.watch(nudge)
        q = net.apply({**WEIGHTS, Output("torso"): (nudge,)}, INPUTS, ("q",))["q"]
    np.testing.assert_array_equal(tape.gradient(q, nudge), [[1.0, 2.0]])
    nudged = net.apply({**WEIGHTS, Output("torso"): (tf.constant([[1.0, 0.0]]),)}, INPUTS, ("q",))["q"]
    np.testing.assert_array_equal(nudged, [[40.75]])


def test_initial_weights_are_variables_of_their_own_by_the_names_of_parts():
    net = network()
    weights = net.initial_weights()
    assert {part: tuple(w.name.split(":")[0] for w in own) for part, own in weights.items()} == net.names
    assert net.names["torso"] == ("torso/linear/kernel", "torso/linear/bias")
    assert net.sizes == {"torso": (4, 2), "policy": (4, 2), "q": (3, 1), "temperature": (1,)}
    weights["torso"][0].assign(tf.fill((2, 2), 9.0))
    assert np.abs(net.initial_weights()["torso"][0].numpy()).max() < 9.0


def test_a_part_that_reads_what_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"part 'policy' reads \['torso'\]; it may read \['observation'\]"):
        Network({"policy": Part(linear(2), ("torso",))}, {OBSERVATION: (2,)}, ("policy",))


def test_a_part_with_a_state_of_its_own_is_refused():
    layer = keras.Sequential([keras.layers.Dense(2, name="linear"), keras.layers.BatchNormalization(name="norm")])
    with pytest.raises(ValueError, match="part 'torso' keeps state outside its weights"):
        Network({"torso": Part(layer, (OBSERVATION,))}, {OBSERVATION: (2,)}, ("torso",))
