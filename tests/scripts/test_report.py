"""Reports on run directories that were written by hand, so that every number is known."""

import csv
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import yaml
from inside import call
from reporting import statistics
from reporting.groups import grouped
from reporting.page import Page
from reporting.runs import differing, find_runs

CHOICES = {"agent": "ppo", "environment": "compiled/cartpole", "combiner": "sum", "experiment": "default"}


def write_run(folder, *, combiner="sum", seed=0, returns=(1.0, 2.0), status="completed", environment=None, **changes):
    """A run directory with a row of metrics for every return; the last row's are the last 5 %."""
    choices = {**CHOICES, "combiner": combiner, **({"environment": environment} if environment else {})}
    run = folder / choices["environment"] / f"combiner={combiner},seed={seed}"
    (run / ".hydra").mkdir(parents=True)
    config = {
        "seed": seed,
        "steps": 100,
        "combiner": {"_target_": combiner, "scope": "global"},
        "agent": {"gamma": 0.9},
    }
    (run / ".hydra" / "config.yaml").write_text(yaml.safe_dump(config | changes))
    (run / ".hydra" / "hydra.yaml").write_text(yaml.safe_dump({"choices": choices}))
    summary = {"status": status, "seed": seed, "steps": 100, "steps_per_second": 50.0, "wall_seconds": 2.0}
    summary |= {"evaluation": {"mean": 10 * returns[-1], "std": 0, "iqm": 0, "episodes": 1}, "git_commit": "abc"}
    (run / "summary.json").write_text(json.dumps(summary))
    lines = ["step,episode/return,gradient/norm_ratio/value-policy"]
    lines += [f"{10 * (k + 1)},{value},{k + 1}" for k, value in enumerate(returns)]
    (run / "metrics.csv").write_text("\n".join(lines) + "\n")
    return run


@pytest.fixture
def two_groups(tmp_path):
    """Five seeds of a rule that always wins, and five of one that always loses."""
    for seed in range(5):
        write_run(tmp_path / "runs", combiner="good", seed=seed, returns=(1.0, 100.0 + seed))
        write_run(tmp_path / "runs", combiner="bad", seed=seed, returns=(1.0, 50.0 + seed))
    return tmp_path


def rows(file):
    with file.open() as handle:
        return list(csv.DictReader(handle))


def test_runs_that_differ_in_the_seed_alone_are_a_group(two_groups):
    runs = find_runs([two_groups])
    assert differing(runs) == ["combiner"]
    (task,) = grouped(runs).values()
    assert [(group.name, group.seeds, group.missing) for group in task] == [
        ("combiner=bad", (0, 1, 2, 3, 4), ()),
        ("combiner=good", (0, 1, 2, 3, 4), ()),
    ]


def test_the_report_has_the_numbers_of_the_runs(two_groups, root):
    result = call(root, two_groups, "report.py", "runs", "--out", "report")
    assert result.returncode == 0, result.stdout + result.stderr
    out = two_groups / "report"
    scores = {(row["setting"], row["score"]): row for row in rows(out / "scores.csv")}
    assert float(scores["combiner=good", "training"]["mean"]) == 102.0
    assert float(scores["combiner=good", "training"]["iqm"]) == 102.0  # of 101, 102, 103
    assert float(scores["combiner=bad", "evaluation"]["mean"]) == 520.0
    (improvement,) = rows(out / "improvement.csv")
    assert (improvement["better"], improvement["worse"]) == ("combiner=good", "combiner=bad")
    assert (float(improvement["probability"]), improvement["supported"]) == (1.0, "True")
    (gradients, _) = rows(out / "gradients.csv")
    assert float(gradients["gradient/norm_ratio/value-policy"]) == 1.5  # the median of 1 and 2
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") >= 4
    assert not re.search(r'(src|href)="(?!data:)', page)
    for figure in re.findall(r"!\[[^]]*\]\(([^)]+)\)", (out / "report.md").read_text()):
        assert (out / figure).stat().st_size > 5_000


def test_missing_and_unfinished_seeds_are_named(tmp_path, root):
    for seed in range(3):
        write_run(tmp_path / "runs", combiner="a", seed=seed)
    write_run(tmp_path / "runs", combiner="b", seed=0)
    write_run(tmp_path / "runs", combiner="b", seed=1, status="failed")
    result = call(root, tmp_path, "report.py", "runs")
    assert result.returncode == 0, result.stdout + result.stderr
    text = (tmp_path / "report" / "report.md").read_text()
    assert "| combiner=b | 1 | 1 to 2 |" in text
    assert "combiner=b in compiled/cartpole, seeds 1: failed" in text


def test_a_difference_that_the_intervals_do_not_support_is_refused():
    random = np.random.default_rng(0)
    alike = {name: random.normal(size=(20, 1)) for name in ("a", "b")}
    (one,) = statistics.comparisons(alike)
    assert (one.supported, one.why_not) == (False, "the interval holds ½")
    few = {"a": np.full((4, 1), 1.0), "b": np.full((4, 1), 2.0)}
    (one,) = statistics.comparisons(few)
    assert (one.better, one.probability.value) == ("b", 1.0)
    assert (one.supported, one.why_not) == (False, "4 seeds are too few for an interval")


def test_environments_count_the_same_on_a_common_scale(tmp_path, root):
    for seed in range(5):
        for environment, scores in (("compiled/cartpole", (500.0, 100.0)), ("compiled/acrobot", (-100.0, -500.0))):
            for combiner, score in zip(("good", "bad"), scores, strict=True):
                write_run(tmp_path / "runs", combiner=combiner, seed=seed, returns=(score,), environment=environment)
    write_run(tmp_path / "runs", combiner="good", seed=5, returns=(500.0,))
    write_run(tmp_path / "runs", combiner="alone", seed=0, returns=(500.0,))
    result = call(root, tmp_path, "report.py", "runs", "--scale", "compiled/cartpole=0,500")
    assert result.returncode == 0, result.stdout + result.stderr
    found = {row["setting"]: row for row in rows(tmp_path / "report" / "together.csv")}
    assert list(found) == ["combiner=bad", "combiner=good"]
    good, bad = found["combiner=good"], found["combiner=bad"]
    assert (good["seeds"], float(good["iqm"]), float(good["optimality_gap"])) == ("5", 1.0, 0.0)
    assert float(bad["mean"]) == pytest.approx((100 / 500 + 0) / 2)
    assert float(bad["optimality_gap"]) == pytest.approx(0.9)
    (over_all,) = [row for row in rows(tmp_path / "report" / "improvement.csv") if row["environment"] == "all"]
    assert (over_all["better"], float(over_all["probability"])) == ("combiner=good", 1.0)
    text = (tmp_path / "report" / "report.md").read_text()
    assert "0 and 1 are compiled/acrobot -500 and -100; compiled/cartpole 0 and 500" in text
    assert "combiner=alone is left out: it has no seed that was completed in every environment." in text
    assert "combiner=good counts without seeds 5, which some environment lacks." in text


@pytest.mark.parametrize("scale", ["cartpole=0,500", "compiled/cartpole=500,0", "compiled/cartpole=0", "0,500"])
def test_a_scale_that_cannot_be_used_is_one_message(two_groups, root, scale):
    result = call(root, two_groups, "report.py", "runs", "--scale", scale)
    assert result.returncode == 2
    assert f"--scale {scale}: " in result.stderr
    assert not (two_groups / "report").exists()


def test_probability_and_iqm_are_rliables():
    from rliable import metrics

    random = np.random.default_rng(1)
    for _ in range(10):
        x, y = random.integers(0, 5, size=(7, 3)).astype(float), random.integers(0, 5, size=(9, 3)).astype(float)
        (one,) = statistics.comparisons({"x": x, "y": y})
        expected = metrics.probability_of_improvement(x, y)
        assert one.probability.value == pytest.approx(max(expected, 1 - expected), abs=1e-12)
        frames = random.normal(size=(11, 1, 3))
        points = [metrics.aggregate_iqm(frames[..., p]) for p in range(3)]
        np.testing.assert_allclose(statistics._iqms(frames), points, rtol=1e-12)


def test_names_are_texts_in_the_page(tmp_path):
    page = Page("<script>")
    page.table(["<b>"], [["a|b"]])
    page.items(["<img>"])
    page.write(tmp_path)
    html = (tmp_path / "report.html").read_text()
    assert "<script>" not in html
    assert "<img>" not in html
    assert "a\\|b" in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "nowhere is not a folder"),
        (["."], "holds no run directory"),
        (["--score", "x", "."], "invalid choice"),
    ],
)
def test_bad_input_is_one_message(root, tmp_path, arguments, sentence):
    command = [sys.executable, str(root / "scripts" / "report.py"), *arguments]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
