"""What the studies in experiments/ share: training by settings, and reading what the runs left."""

import runpy
import subprocess

import numpy as np
import pytest
import studies
from processes import SMALL

SETTING = ("environment=compiled/tabular/chain", *SMALL, "steps=2_000", "probe=none")


@pytest.fixture
def no_process(monkeypatch):
    """Fails where a process would be started."""

    def refuse(command, **_):
        raise AssertionError(command)

    monkeypatch.setattr(subprocess, "run", refuse)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A study of one setting with two seeds."""
    folder = tmp_path_factory.mktemp("study")
    studies.train_settings({"chain/plain": SETTING}, folder, seeds=2)
    return folder


def test_a_setting_trains_its_seeds(trained):
    runs = studies.runs_of(trained, "chain/plain", seeds=2)
    assert [run.path.relative_to(trained).as_posix() for run in runs] == ["chain/plain/seed=0", "chain/plain/seed=1"]
    kernels = [run.newest_arrays()["torso/dense_0/kernel"] for run in runs]
    assert kernels[0].shape == kernels[1].shape
    assert not np.array_equal(*kernels)
    for run in runs:
        assert run.summary["status"] == "completed"
        returns, counts = (run.metrics.column(f"episode/{name}") for name in ("return", "count"))
        of_all = np.nansum(counts * returns) / counts[~np.isnan(returns)].sum()
        assert run.metrics.last_return(share=1.0) == pytest.approx(of_all, rel=1e-12)  # the same float64 sums


@pytest.mark.usefixtures("no_process")
def test_what_is_trained_is_not_trained_again(trained):
    studies.train_settings({"chain/plain": SETTING[::-1]}, trained, seeds=2)
    studies.train_settings({"chain/plain": (*SETTING, "threads=2")}, trained, seeds=1)  # threads change no result


@pytest.mark.usefixtures("no_process")
@pytest.mark.parametrize(
    ("setting", "seeds"), [(SETTING, 3), ((*SETTING, "agent.gamma=0.5"), 2)], ids=["a seed more", "another number"]
)
def test_the_training_script_is_asked_about_everything_else(trained, setting, seeds):
    with pytest.raises(AssertionError, match=r"train\.py"):
        studies.train_settings({"chain/plain": setting}, trained, seeds=seeds)


def test_every_study_of_the_experiments_finds_what_it_imports(root, monkeypatch):
    monkeypatch.syspath_prepend(root / "experiments" / "shared_or_separate")  # as for a script that runs there
    files = sorted((root / "experiments").glob("*/*.py"))
    assert len(files) >= 3
    for file in files:
        assert callable(runpy.run_path(str(file))["main"])


def test_the_interval_of_a_mean_by_hand():
    assert studies.interval([3.0, 3.0, 3.0]) == (3.0, 3.0)
    low, high = studies.interval([0.0, 1.0] * 50)
    assert (low, high) == pytest.approx((0.40, 0.60), abs=0.011)  # 0.5 ± 1.96 · 0.5/√100


def test_the_interval_of_a_difference_by_hand():
    assert studies.difference([3.0, 3.0], [1.0, 1.0, 1.0]) == (2.0, 2.0, 2.0)
    found = studies.difference([2.0, 3.0] * 50, [0.0, 2.0] * 50)
    # 1.5 ± 1.96 · √(0.5² + 1²)/√100 = 1.5 ± 0.219; quantiles of 10,000 resamples are known to 0.012
    assert found == pytest.approx((1.5, 1.281, 1.719), abs=0.03)
    assert found != pytest.approx((1.5, 1.5, 1.5), abs=0.1)


def test_a_part_of_a_study_replaces_its_own_lines_alone(tmp_path):
    file = tmp_path / "data.csv"
    old = [{"environment": "a", "return": 1.5}, {"environment": "b", "return": float("nan")}]
    assert studies.add_to_csv(file, old, by="environment") == old
    new = [{"environment": "a", "return": 2.0}]
    both = studies.add_to_csv(file, new, by="environment")
    assert [row["environment"] for row in both] == ["b", "a"]
    np.testing.assert_array_equal([row["return"] for row in both], [np.nan, 2.0])
    assert file.read_text().split() == ["environment,return", "b,nan", "a,2.0"]
