"""Series are cached until their run has new moments, within a limit of memory."""

import numpy as np
import pytest
from gramian_logs import gramians, legend, write_run
from sources import Folder

from rl.tensorboard.plugin import source
from rl.tensorboard.plugin.source import AGAINST_STEP

OF = legend(layers=2)


@pytest.fixture
def logs(tmp_path):
    for seed in (0, 1):
        write_run(tmp_path / f"seed={seed}", OF, gramians(OF, 4, seed=seed))
    return tmp_path


def test_a_series_is_what_was_written_with_the_applied_step_negated(logs):
    series = Folder(logs).series("seed=1")["seed=1"]
    np.testing.assert_array_equal(series.steps, [1000, 2000, 3000, 4000])
    assert series.legend.rows == ("policy", "value", "entropy", "combined", "clipped", AGAINST_STEP)
    written = gramians(OF, 4, seed=1)
    np.testing.assert_array_equal(series.gramians[..., :5, :5], written[..., :5, :5])
    np.testing.assert_array_equal(series.gramians[..., 5, :5], -written[..., 5, :5])
    np.testing.assert_array_equal(series.gramians[..., :5, 5], -written[..., :5, 5])
    np.testing.assert_array_equal(series.gramians[..., 5, 5], written[..., 5, 5])
    assert (series.left_out, series.broken) == (0, 0)


def test_moments_are_sorted_by_step(tmp_path):
    arrays = gramians(OF, 3)
    write_run(tmp_path / "run", OF, arrays, first_step=3000, every=-1000)
    folder = Folder(tmp_path)
    series = folder.series("run")["run"]
    np.testing.assert_array_equal(series.steps, [1000, 2000, 3000])
    np.testing.assert_array_equal(series.gramians[..., :5, :5], arrays[::-1, :, :5, :5])
    assert folder.listings()["run"].max_step == 3000


def test_a_series_is_read_again_only_where_its_run_has_new_moments(logs):
    folder = Folder(logs)
    before = folder.series("seed=0", "seed=1")
    write_run(logs / "seed=0", OF, gramians(OF, 2, seed=2), first_step=5000)
    assert folder.series("seed=0")["seed=0"] is before["seed=0"]  # TensorBoard has not looked again
    folder.reload()
    after = folder.series("seed=0", "seed=1")
    np.testing.assert_array_equal(after["seed=0"].steps, 1000 * np.arange(1, 7))
    np.testing.assert_array_equal(after["seed=0"].gramians[4:, :, :5, :5], gramians(OF, 2, seed=2)[..., :5, :5])
    assert after["seed=1"] is before["seed=1"]


def test_the_least_recently_used_series_are_dropped(logs, monkeypatch):
    folder = Folder(logs)
    first = folder.series("seed=0")["seed=0"]
    monkeypatch.setattr(source, "_CACHED_BYTES", first.gramians.nbytes)
    second = folder.series("seed=1")["seed=1"]
    assert folder.series("seed=1")["seed=1"] is second
    assert folder.series("seed=0")["seed=0"] is not first
    monkeypatch.setattr(source, "_CACHED_BYTES", 1)
    alone = folder.series("seed=1")["seed=1"]  # the newest is kept even if it is too large
    assert folder.series("seed=1")["seed=1"] is alone


def test_a_run_that_is_gone_has_no_moments(logs):
    folder = Folder(logs)
    assert set(folder.listings()) == {"seed=0", "seed=1"}
    for file in (logs / "seed=1").iterdir():
        file.unlink()
    (logs / "seed=1").rmdir()
    assert set(Folder(logs).listings()) == {"seed=0"}
    assert len(folder.series("seed=1")["seed=1"].steps) == 4  # TensorBoard still has it
