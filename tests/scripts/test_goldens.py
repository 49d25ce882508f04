"""What two commits leave, compared bit for bit."""

import math

import numpy as np
import pytest
from faulting.lived_in import lived_in_folder
from goldens import _gramians, _metrics, compare, differences

from rl.errors import ConfigError


def test_equal_bits_are_equal_and_nan_is_nan():
    arrays = {("run", "w"): np.array([1.0, np.nan], np.float32), ("run", "n"): np.array(3)}
    assert differences(arrays, {key: array.copy() for key, array in arrays.items()}) == []


def test_the_last_bit_the_sign_of_zero_and_the_type_count():
    one, next_to_one = np.ones(1, np.float32), np.nextafter(np.ones(1, np.float32), np.float32(2))
    (found,) = differences({("run", "w"): one}, {("run", "w"): next_to_one})
    assert found.name == ("run", "w")
    assert found.largest == 2.0**-23
    assert len(differences({("run", "w"): 0 * one}, {("run", "w"): -0.0 * one})) == 1
    assert math.isnan(differences({("run", "w"): one}, {("run", "w"): one.astype(np.float64)})[0].largest)


def test_what_is_missing_on_either_side_differs():
    for old, new in (({("run", "w"): np.ones(2)}, {}), ({}, {("run", "w"): np.ones(2)})):
        (found,) = differences(old, new)
        assert math.isnan(found.largest)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return lived_in_folder(tmp_path_factory.mktemp("runs"), 1)[0]


def test_every_gramian_and_every_column_but_the_clocks_is_read(run):
    gramians = dict(_gramians(run))
    assert len(gramians) > 1
    assert all(array.ndim == 3 and array.dtype == np.float64 for array in gramians.values())
    columns = dict(_metrics(run))
    assert "episode/return" in columns
    assert not [tag for tag in columns if tag.startswith("time/")]


def test_nothing_to_compare_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="runs"):
        compare(tmp_path, tmp_path)
