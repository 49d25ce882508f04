"""A run directory as everything outside of training reads it."""

import json
import subprocess
import sys

import numpy as np
import pytest

from rl.errors import ConfigError, DamagedError
from rl.runs.layout import METRICS, SUMMARY
from rl.runs.metrics_file import MetricsFile
from rl.runs.reader import LAST_RETURN, Metrics, RecordedRun

NAN = float("nan")
SUMMARY_OF = {"status": "completed", "steps": 40, "updates": 4, "wall_seconds": 1.0, "steps_per_second": 40.0}


def write_run(folder, steps=(10, 20, 30, 40), **changes):
    folder.mkdir(exist_ok=True)
    (folder / SUMMARY).write_text(json.dumps(SUMMARY_OF | {"evaluation": None} | changes))
    returns = [float(step) for step in steps]
    MetricsFile(folder / METRICS).append(steps, {"episode/return": returns, "update/share/a": [NAN, *returns[1:]]})
    return RecordedRun(folder)


def test_a_run_is_read_as_it_was_written(tmp_path):
    run = write_run(tmp_path / "run")
    assert run.summary["steps"] == 40
    assert run.is_completed
    assert run.metrics.steps.tolist() == [10, 20, 30, 40]
    np.testing.assert_array_equal(run.metrics.column("update/share/a"), [NAN, 20, 30, 40])
    assert run.missing(SUMMARY, "checkpoints", METRICS) == ["checkpoints"]


def test_a_file_is_read_once(tmp_path):
    run = write_run(tmp_path / "run")
    assert run.metrics is run.metrics
    (run.path / METRICS).unlink()
    assert len(run.metrics.steps) == 4


def test_a_tag_that_was_not_logged_is_nan(tmp_path):
    metrics = write_run(tmp_path / "run").metrics
    np.testing.assert_array_equal(metrics.column("no/tag"), [NAN] * 4)
    assert np.isnan(metrics.typical("no/tag"))
    assert metrics.typical("update/share/a") == 30  # of 20, 30 and 40


def test_the_last_return_is_that_of_the_last_twentieth():
    returns = np.arange(100.0)
    metrics = Metrics({"step": returns + 1, "episode/return": returns})
    assert metrics.last_return() == 97  # of 95 to 99
    assert metrics.last_return(share=1.0) == 49.5
    weighted = Metrics({**metrics.columns, "episode/count": np.where(returns == 99, 6.0, 1.0)})
    assert weighted.last_return() == pytest.approx((95 + 96 + 97 + 98 + 6 * 99) / 10)
    assert np.isnan(Metrics().last_return())
    assert LAST_RETURN == "return in the last 5 % of training"


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ((10, 20, 30), "metrics.csv ends at step 30 of 40"),
        ((10, 30, 40), "metrics.csv lacks 1 of 4 rows, the first that of step 20"),
    ],
)
def test_metrics_of_a_completed_run_with_a_hole_are_refused(tmp_path, steps, why):
    run = write_run(tmp_path / "run", steps)
    assert len(run.metrics.steps) == 3
    with pytest.raises(ConfigError, match=why):
        run.complete_metrics()


def test_a_completed_run_without_metrics_has_none(tmp_path):
    run = write_run(tmp_path / "run")
    assert run.complete_metrics() is run.metrics
    (run.path / METRICS).unlink()
    assert RecordedRun(run.path).complete_metrics() == Metrics()


def test_what_is_missing_or_damaged_is_one_message(tmp_path):
    with pytest.raises(ConfigError, match=r"summary\.json cannot be read"):
        _ = RecordedRun(tmp_path).summary
    assert not RecordedRun(tmp_path).is_completed
    run = write_run(tmp_path / "run")
    (run.path / SUMMARY).write_text("{")
    assert not run.is_completed
    with pytest.raises(DamagedError, match=r"summary\.json is damaged"):
        _ = run.summary
    with pytest.raises(ConfigError, match="holds no checkpoint yet"):
        run.newest_arrays()


def test_the_newest_checkpoint_is_that_of_the_most_steps(tmp_path):
    run = write_run(tmp_path / "run")
    (run.path / "checkpoints").mkdir()
    for steps in (9, 10, 100):
        file = run.path / "checkpoints" / f"checkpoint_{steps:012d}.npz"
        np.savez(file, __meta__=np.array("{}"), kernel=np.full(2, float(steps)))
    np.savez(run.path / "checkpoints" / "best.npz", kernel=np.zeros(2))
    assert list(run.checkpoints()) == [9, 10, 100]
    assert {name: array.tolist() for name, array in run.newest_arrays().items()} == {"kernel": [100.0, 100.0]}


def test_events_are_those_of_all_event_files(tmp_path):
    from rl.tensorboard.writer import Writer

    run = write_run(tmp_path / "run")
    for step in (10, 20):
        writer = Writer(run.path)
        writer.scalars({"episode/return": float(step)}, step)
        writer.close()
    assert [event.step for event in run.events() if event.summary.value] == [10, 20]


def test_reading_needs_no_tensorflow(root):
    """Reports and comparisons start in a fraction of the time that TensorFlow takes to import."""
    code = "import sys; import rl.runs.reader, rl.reports.runs; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
