"""What sources draw and keep, by hand."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.sources import Newest, Recent

SEED = tf.constant([1, 2])


class Batch(NamedTuple):
    observation: tf.Tensor
    valid: tf.Tensor


def batch(number):
    return Batch(tf.fill((4, 2), float(number)), tf.fill((4,), 1.0))


def test_recent_keeps_the_last_iterations_in_turn():
    source = Recent(iterations=2, epochs=1, minibatches=2, of="policy")
    kept = source.init(batch(0))
    assert kept.observation.shape == (2, 4, 2)
    assert not kept.valid.numpy().any()
    for iteration, places in ((0, (1, 0)), (1, (1, 2)), (2, (3, 2))):
        kept = source.put(kept, batch(iteration + 1), tf.constant(iteration, tf.int64))
        np.testing.assert_array_equal(kept.observation[:, 0, 0], places)
    np.testing.assert_array_equal(source.data(kept, None).observation[:, 0], [3, 3, 3, 3, 2, 2, 2, 2])


def test_rounds_go_through_every_sample_once_an_epoch():
    for source in (Recent(iterations=2, epochs=3, minibatches=4, of="policy"), Newest(epochs=3, minibatches=4)):
        assert source.rounds == 12
        orders = source.orders(SEED, 8)
        assert orders.shape == (12, 2)
        for epoch in range(3):
            np.testing.assert_array_equal(np.sort(np.ravel(orders[4 * epoch : 4 * epoch + 4])), range(8))
        drawn = source.draw(Batch(tf.range(8), tf.range(8)), orders, 5)
        np.testing.assert_array_equal(drawn.observation, orders[5])


def test_one_minibatch_is_the_batch_as_it_is():
    source = Newest(epochs=2, minibatches=1)
    assert source.orders(SEED, 8) == ()
    assert source.draw("batch", (), 1) == "batch"
    assert source.put((), "batch", 0) == ()
    assert source.data((), "trajectory") == "trajectory"
