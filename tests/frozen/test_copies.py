"""Frozen copies: separate variables that no default tape watches and no update rule may move."""

import numpy as np
import pytest
import tensorflow as tf

from rl.frozen import drift, freeze, refuse_frozen


def live_weights():
    return {
        "torso": (
            tf.Variable([[1 / 3, 1e-30], [3e38, -0.0]], name="torso/kernel"),
            tf.Variable([0.1], name="torso/bias"),
        ),
        "policy": (tf.Variable([2.0], name="policy/kernel"),),
    }


def flat(weights):
    return [weight for part in weights.values() for weight in part]


def test_a_copy_has_the_same_bits_and_names_of_its_own():
    live = live_weights()
    copy = freeze("target", live)
    assert list(copy) == list(live)
    for mine, theirs in zip(flat(copy), flat(live), strict=True):
        assert mine.numpy().tobytes() == theirs.numpy().tobytes()
        assert mine.name == f"frozen/target/{theirs.name}"
        assert mine.trainable is False


def test_tensors_can_be_frozen_and_are_named_by_their_place():
    copy = freeze("anchor", {"value": (tf.constant([1.0]), tf.constant([2.0]))})
    assert [weight.name.split(":")[0] for weight in flat(copy)] == ["frozen/anchor/value/0", "frozen/anchor/value/1"]


@pytest.mark.parametrize("moved", ["live", "copy"])
def test_moving_one_leaves_the_other(moved):
    """Both assignments that a rule or a schedule could make, in place and anew."""
    live = live_weights()
    copy = freeze("behaviour", live)
    mine, other = (live, copy) if moved == "live" else (copy, live)
    before = [weight.numpy().copy() for weight in flat(other)]
    for weight in flat(mine):
        weight.assign_add(tf.ones_like(weight))
        weight.assign(weight + 1.0)
    for weight, old in zip(flat(other), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_two_copies_are_two_copies():
    live = live_weights()
    one, two = freeze("behaviour", live), freeze("target", live)
    one["torso"][1].assign([5.0])
    np.testing.assert_array_equal(two["torso"][1], live["torso"][1])


def test_a_copy_of_a_copy_is_another_one():
    copy = freeze("target", live_weights())
    again = freeze("anchor", copy)
    copy["policy"][0].assign([7.0])
    assert float(again["policy"][0][0]) == 2.0


def product(live, copy):
    """3 l c: 3c with respect to the live weight, 3l with respect to the copy."""
    return 3.0 * live["policy"][0][0] * copy["policy"][0][0]


def test_a_default_tape_watches_the_live_weights_alone():
    live = live_weights()
    copy = freeze("target", live)
    copy["policy"][0].assign([5.0])
    with tf.GradientTape() as tape:
        loss = product(live, copy)
    assert [v.name for v in tape.watched_variables()] == ["policy/kernel:0"]
    d_live, d_copy = tape.gradient(loss, [live["policy"][0], copy["policy"][0]])
    np.testing.assert_array_equal(d_live, [15.0])
    assert d_copy is None


def test_a_tape_that_is_told_to_watch_a_copy_differentiates_with_respect_to_it():
    """At l = 2, c = 5: ∂(3lc)/∂c = 6 and ∂(3lc)/∂l = 15, from the same tape."""
    live = live_weights()
    copy = freeze("target", live)
    copy["policy"][0].assign([5.0])
    with tf.GradientTape() as tape:
        tape.watch(copy)
        loss = product(live, copy)
    d_live, d_copy = tape.gradient(loss, [live["policy"][0], copy["policy"][0]])
    np.testing.assert_array_equal(d_live, [15.0])
    np.testing.assert_array_equal(d_copy, [6.0])


def test_a_frozen_variable_is_refused_by_name():
    live = live_weights()
    copy = freeze("target", live)
    with pytest.raises(ValueError, match="'frozen/target/torso/bias' is frozen"):
        refuse_frozen([live["torso"][0], copy["torso"][1], copy["policy"][0]])


def test_live_variables_are_accepted():
    assert refuse_frozen(flat(live_weights())) is None
    assert refuse_frozen([]) is None


def test_drift_by_hand():
    """Differences 3 in the torso and 4 in the head: √(9 + 16) = 5; none from a fresh copy."""
    live = {"torso": (tf.Variable([1.0, 2.0]),), "policy": (tf.Variable([[6.0]]),)}
    copy = freeze("target", live)
    assert float(drift(live, copy)) == 0.0
    live["torso"][0].assign([1.0, 5.0])
    live["policy"][0].assign([[2.0]])
    assert float(drift(live, copy)) == float(drift(copy, live)) == 5.0


def test_drift_refuses_copies_of_another_length():
    live = live_weights()
    copy = freeze("target", live)
    with pytest.raises(ValueError, match="zip"):
        drift(live, {**copy, "torso": copy["torso"][:1]})
