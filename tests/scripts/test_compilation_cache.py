"""train.py with TensorFlow's compilation cache: a second start loads, says so, is silent, and trains the same bits."""

import numpy as np
import pytest
from processes import csv_rows, train

SETTING = ("environment=compiled/cartpole", "steps=1024", "threads=1")
_TIMES = ("time/steps_per_second", "time/wall_seconds")


def trained(run):
    """Every array of the newest checkpoint and every number of metrics.csv but the times."""
    with np.load(max((run / "checkpoints").glob("checkpoint_*.npz"))) as data:
        arrays = {name: data[name] for name in data.files if not name.startswith("__")}
    return arrays, [{tag: x for tag, x in row.items() if tag not in _TIMES} for row in csv_rows(run)]


@pytest.fixture(scope="module")
def starts(root, tmp_path_factory):
    """{start: (run directory, what it printed)}; before the third an entry was damaged."""
    folder = tmp_path_factory.mktemp("starts")
    results = {}
    for name in ("first", "second", "third"):
        if name == "third":
            entry = max((folder / "cache").glob("*/*.pb.*"), key=lambda file: file.stat().st_size)
            contents = bytearray(entry.read_bytes())
            contents[len(contents) // 2] ^= 1
            entry.write_bytes(contents)
        where = (f"compilation_cache={folder / 'cache'}", f"hydra.run.dir={folder / name}")
        seed = ("seed=1",) if name == "first" else ()  # the seed is no part of a program
        results[name] = folder / name, train(root, folder, *SETTING, *where, *seed)
    return results


def test_the_second_start_compiles_nothing_whatever_the_seed(starts):
    (_, first), (_, second) = starts["first"], starts["second"]
    assert "Compiled the iteration in" in first.stdout
    assert "From the compilation cache: the iteration in" in second.stdout


def test_nothing_but_errors_is_on_standard_error(starts):
    assert [result.stderr for _, result in starts.values()] == ["", "", ""]


def test_a_damaged_entry_is_compiled_again(starts):
    run, third = starts["third"]
    assert "Compiled the iteration in" in third.stdout
    cache = run.parent / "cache"
    assert len(list(cache.glob("*/*.pb.*"))) == 3  # the iteration, the probes, the evaluation


def test_loaded_programs_train_the_same_bits(root, starts, tmp_path):
    (second, _), (third, _) = starts["second"], starts["third"]
    train(root, tmp_path, *SETTING, "compilation_cache=null", f"hydra.run.dir={tmp_path / 'none'}")
    arrays, metrics = trained(tmp_path / "none")
    assert len(arrays) > 40
    for run in (second, third):
        others, other_metrics = trained(run)
        assert others.keys() == arrays.keys()
        for name, array in arrays.items():
            np.testing.assert_array_equal(others[name], array, err_msg=name)
        assert other_metrics == metrics
