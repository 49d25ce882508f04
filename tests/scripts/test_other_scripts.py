"""evaluate.py and inspect_gradients.py on a real run, with good and bad input."""

import json
import shutil

import inside
import processes
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

SMALL = ("num_envs=4", "agent.rollout_length=32", "network.torso.widths=[16]", "evaluation.episodes=10", "steps=1000")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    processes.run(folder, "train.py", *SMALL, "evaluation.videos=1", "hydra.run.dir=here")
    return folder / "here"


def test_evaluate_prints_the_returns_of_a_checkpoint(root, run):
    result = processes.run(run, "evaluate.py", str(run), "--episodes", "7", "--json")
    printed = json.loads(result.stdout)
    assert printed["episodes"] == len(printed["returns"]) == 7
    assert printed["mean"] == pytest.approx(sum(printed["returns"]) / 7)
    assert result.stdout == inside.call(root, run, "evaluate.py", str(run), "--episodes", "7", "--json").stdout


def test_evaluate_takes_the_best_checkpoint_and_records_a_video(root, run, tmp_path):
    import imageio.v2 as imageio

    film = tmp_path / "film.mp4"
    options = ("--checkpoint", "best", "--episodes", "2", "--video", str(film))
    result = inside.call(root, run, "evaluate.py", str(run), *options)
    assert "over 2 episodes" in result.stdout
    promised = int(result.stderr.rsplit(":", 1)[1].split()[0])
    assert sum(1 for _ in imageio.get_reader(film)) == promised


def test_training_records_videos_on_request(run):
    import imageio.v2 as imageio

    frames = [frame.shape for frame in imageio.get_reader(run / "videos" / "episode_0.mp4")]
    assert len(frames) > 5
    assert frames[0] == (400, 600, 3)


@pytest.mark.parametrize("script", ["evaluate.py", "inspect_gradients.py"])
def test_a_folder_that_is_no_run_is_one_message(root, tmp_path, script):
    arguments = ["audit"] if script == "inspect_gradients.py" else []
    result = inside.call(root, tmp_path, script, *arguments, str(tmp_path))
    assert result.returncode == 2
    assert "is not a run directory" in result.stderr
    assert "Traceback" not in result.stderr


def test_audit_prints_objective_by_variable(root, run):
    result = processes.run(run, "inspect_gradients.py", "audit", str(run), check=False)
    lines = {
        line.split("│")[1].strip(): [cell.strip() for cell in line.split("│")[2:-1]]
        for line in result.stdout.splitlines()
        if "/" in line and "│" in line
    }
    assert lines["torso/dense_0/kernel"] == ["shared", "non-zero", "non-zero", "non-zero"]
    assert lines["value/linear/kernel"] == ["private", "none", "non-zero", "none"]


def test_a_newest_checkpoint_that_is_older_than_the_run_is_said(root, run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    assert "missing" not in inside.call(root, tmp_path, "inspect_gradients.py", "audit", "run").stderr
    summary = json.loads((copy / "summary.json").read_text())
    (copy / "summary.json").write_text(json.dumps(summary | {"steps": summary["steps"] + 128}))
    result = inside.call(root, tmp_path, "inspect_gradients.py", "audit", "run")
    assert result.returncode == 0
    assert (
        "run came to step 1,152, but its newest checkpoint is of step 1,024: a later one is missing." in result.stderr
    )


def test_compare_takes_a_mean_that_is_not_finite_and_refuses_a_damaged_summary(root, run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    summary = json.loads((copy / "summary.json").read_text())
    (copy / "summary.json").write_text(json.dumps(summary | {"evaluation": {**summary["evaluation"], "mean": None}}))
    assert "1,024" in inside.call(root, tmp_path, "inspect_gradients.py", "compare", "run").stdout
    (copy / "summary.json").write_text(json.dumps(summary | {"versions": "2.21"}))
    refused = inside.call(root, tmp_path, "inspect_gradients.py", "compare", "run")
    assert refused.returncode == 2
    assert 'versions is "2.21"; it must be an object of texts' in refused.stderr


def test_audit_without_a_run_takes_overrides(root, tmp_path):
    result = inside.call(root, tmp_path, "inspect_gradients.py", "audit", "network.shared=false")
    assert "policy_torso/dense_0/kernel" in result.stdout
    assert "shared" not in result.stdout.replace("│ private", "")


def test_audit_shows_what_flows_through_a_frozen_copy(root, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    chosen = ("agent/bootstrap=tdc", "frozen=target_polyak")
    result = inside.call(root, tmp_path, "inspect_gradients.py", "audit", *chosen)
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.stdout.splitlines() if "/" in line]
    kinds = {line[0]: line[1:] for line in lines if len(line) == 6}
    assert kinds["target/torso/dense_0/kernel"] == ["frozen copy", "none", "zero", "none", "none"]  # h is 0 at first
    assert kinds["correction/linear/kernel"] == ["private", "none", "none", "none", "non-zero"]


def test_what_if_prints_every_combiner_and_writes_numbers_and_figures(root, run, tmp_path):
    import csv
    import math

    out = tmp_path / "out"
    result = inside.call(root, tmp_path, "inspect_gradients.py", "whatif", str(run), "--out", str(out))
    assert result.returncode == 0, result.stderr
    for name in ("sum", "upgrad", "nash_mtl", "gradvac", "aligned_mtl"):
        assert name in result.stdout
    assert f"6 further optimizers are in {out / 'whatif.csv'}: " in result.stdout.replace("\n", "")
    with (out / "whatif.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    combiners = {file.stem for file in (root / "configs" / "combiner").glob("[!_]*.yaml")}
    optimizers = {file.stem for file in (root / "configs" / "optimizer").glob("[!_]*.yaml")}
    assert {(row["combiner"], row["optimizer"]) for row in rows} == {(c, o) for c in combiners for o in optimizers}
    assert all(
        math.isfinite(float(x)) for row in rows for key, x in row.items() if key not in ("combiner", "optimizer")
    )
    with (out / "whatif_cosines.csv").open() as handle:
        header, *lines = csv.reader(handle)
    assert header[1:] == [line[0] for line in lines]
    assert (out / "whatif.png").read_bytes()[:4] == b"\x89PNG"
    events = EventAccumulator(str(out), size_guidance={"tensors": 0}).Reload()
    assert events.Tags()["tensors"] == ["inspect/whatif"]


def test_what_if_of_separate_torsos_is_one_message(root, tmp_path):
    chosen = ("network.shared=false", "probe=none", "hydra.run.dir=apart")
    result = inside.call(root, tmp_path, "train.py", *SMALL, *chosen)
    assert result.returncode == 0, result.stderr
    result = inside.call(root, tmp_path, "inspect_gradients.py", "whatif", "apart")
    assert result.returncode == 2
    assert "error: apart shares no weights (network.shared=false)" in result.stderr


def test_rows_are_a_line_a_layer_and_the_torso_as_a_whole(root, run, tmp_path):
    import csv

    out = tmp_path / "out"
    for _ in range(2):  # looked at again, nothing stands twice
        result = inside.call(root, tmp_path, "inspect_gradients.py", "rows", str(run), "--out", str(out))
        assert result.returncode == 0, result.stderr
    with (out / "rows.csv").open() as handle:
        total, *layers = csv.DictReader(handle)
    assert total["layer"] == "all shared weights"
    assert [layer["layer"] for layer in layers] == ["torso/dense_0"]
    for objective in ("policy", "value", "entropy"):
        assert float(total[f"norm/{objective}"]) == pytest.approx(float(layers[0][f"norm/{objective}"]))
    assert int(total["weights"]) == 4 * 16 + 16
    assert float(total["null band"]) == pytest.approx(2 / 80**0.5)
    assert -1 <= float(total["cosine/policy-value"]) <= 1
    assert (out / "rows.png").read_bytes()[:4] == b"\x89PNG"
    events = EventAccumulator(str(out), size_guidance={"tensors": 0}).Reload()
    assert events.Tags()["tensors"] == ["inspect/rows"]
    assert len(events.Tensors("inspect/rows")) == 1


def test_compare_puts_runs_side_by_side(root, run, tmp_path):
    result = inside.call(root, tmp_path, "inspect_gradients.py", "compare", str(run), str(run))
    assert result.returncode == 0, result.stderr
    (line, again) = [line for line in result.stdout.splitlines() if line.startswith(("│ here", "| here"))]
    assert line == again
    result = inside.call(root, tmp_path, "inspect_gradients.py", "compare", str(tmp_path))
    assert result.returncode == 2
    assert "is not a run directory" in result.stderr
