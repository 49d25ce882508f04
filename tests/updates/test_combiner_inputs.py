"""Settings that combiners refuse, by their config keys, and combiners whose weights are constants."""

import numpy as np
import pytest
import tensorflow as tf

from rl.errors import ConfigError
from rl.setting_errors import shown
from rl.updates.combiners import IMTLG, MGDA, ConFIG, Mean, Only, PCGrad, Sum

GRAMIAN = tf.constant([[4.0, -1.0, 0.5], [-1.0, 1.0, 0.2], [0.5, 0.2, 9.0]])
SEED = tf.constant([0, 1])
OWN_FIELDS = {Sum: {"row_weights": None}, Only: {"row": 0}}
COMBINERS = [Sum, Mean, Only, PCGrad, MGDA, IMTLG, ConFIG]


def _build(combiner, scope="global"):
    return combiner(scope=scope, **OWN_FIELDS.get(combiner, {}))


def _weights(combiner, gramian=GRAMIAN, losses=(0.0, 0.0, 0.0)):
    return combiner.weights(gramian, tf.constant(losses), combiner.init(3), SEED)[0].numpy()


@pytest.mark.parametrize("combiner", COMBINERS)
@pytest.mark.parametrize("scope", ["globe", "", None])
def test_unknown_scope_is_refused(combiner, scope):
    with pytest.raises(ConfigError, match=rf"scope is {shown(scope)}; it must be one of global, layer"):
        _build(combiner, scope)


@pytest.mark.parametrize("combiner", COMBINERS)
def test_scope_has_no_default(combiner):
    with pytest.raises(ConfigError, match="scope must be given: one of global, layer"):
        combiner(**OWN_FIELDS.get(combiner, {}))


def test_row_that_is_not_there_is_refused():
    with pytest.raises(
        ConfigError, match=r"combiner\.row is 3; it must be from 0 to 2, a row's place in agent\.groups"
    ):
        Only(scope="global", row=3).init(3)
    with pytest.raises(ConfigError, match="row is -1; it must be a whole number that is not negative"):
        Only(scope="global", row=-1)


@pytest.mark.parametrize("row_weights", [[], [1.0, 2.0], [1.0, 2.0, 3.0, 4.0]])
def test_wrong_number_of_row_weights_is_refused(row_weights):
    with pytest.raises(
        ConfigError, match=rf"combiner\.row_weights has {len(row_weights)} entries, but there are 3 rows"
    ):
        Sum(scope="global", row_weights=row_weights).init(3)


def test_mgda_refuses_more_rows_than_it_can_enumerate():
    assert MGDA(scope="global").init(6) == ()
    with pytest.raises(ConfigError, match=r"mgda takes at most 6 rows, but there are 7 groups"):
        MGDA(scope="global").init(7)


def test_sum_takes_the_weights_given_or_ones():
    np.testing.assert_array_equal(_weights(Sum(scope="global", row_weights=None)), [1.0, 1.0, 1.0])
    np.testing.assert_array_equal(_weights(Sum(scope="global", row_weights=[0.5, 0.0, -2])), [0.5, 0.0, -2.0])


def test_only_sums_of_ones_count_as_sums():
    """A combiner that claims to be one may be replaced by a single backward pass through the total loss."""
    assert Sum(scope="global", row_weights=None).is_sum
    assert Sum(scope="global", row_weights=[1, 1.0, 1]).is_sum
    assert not Sum(scope="global", row_weights=[1.0, 0.0, 1.0]).is_sum
    assert not any(_build(combiner).is_sum for combiner in COMBINERS if combiner is not Sum)


@pytest.mark.parametrize("row", [0, 1, 2])
def test_only_gives_one_row_the_weight_1(row):
    np.testing.assert_array_equal(_weights(Only(scope="global", row=row)), np.eye(3)[row])


def test_mean_weighs_every_row_alike():
    np.testing.assert_array_equal(_weights(Mean(scope="global")), np.full(3, 1.0 / 3.0))


@pytest.mark.parametrize("combiner", COMBINERS)
def test_weights_are_float64_one_a_row_and_do_not_depend_on_the_losses(combiner):
    first, second = (_weights(_build(combiner), losses=losses) for losses in ((0.0, 0.0, 0.0), (5.0, -1.0, 1e9)))
    assert first.dtype == np.float64
    assert first.shape == (3,)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("combiner", COMBINERS)
def test_same_seed_same_weights_to_the_bit(combiner):
    np.testing.assert_array_equal(_weights(_build(combiner)), _weights(_build(combiner)))


@pytest.mark.parametrize("combiner", COMBINERS)
def test_state_is_handed_on(combiner):
    built = _build(combiner)
    assert built.init(3) == ()
    assert built.weights(GRAMIAN, tf.zeros(3), built.init(3), SEED)[1] == ()
