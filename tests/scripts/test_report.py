"""Reports on run directories that were written by hand, so that every number is known."""

import csv
import json
import re

import numpy as np
import processes
import pytest
import yaml
from inside import call

from rl.commands.recorded import recorded
from rl.ownership import mark
from rl.reports import comparing, gradients, objectives, statistics
from rl.reports.differences import differing
from rl.reports.groups import Group, grouped
from rl.reports.naming import naming
from rl.reports.page import Page
from rl.reports.runs import find_runs
from rl.runs.reader import Metrics

CHOICES = {"agent": "ppo", "environment": "compiled/cartpole", "combiner": "sum", "experiment": "default"}


def write_run(folder, *, combiner="sum", seed=0, returns=(1.0, 2.0), status="completed", task=None, **changes):
    """A run directory with a row of metrics for every return; the last row's are the last 5 %."""
    choices = {**CHOICES, "combiner": combiner, **({"environment": task} if task else {})}
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
    summary = {
        "status": status,
        "seed": seed,
        "steps": 10 * len(returns),
        "updates": 4 * len(returns),
        "steps_per_second": 50.0,
        "wall_seconds": 2.0,
    }
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


def settings_in(folder):
    """{environment: groups} of the runs below a folder."""
    runs, _ = find_runs([folder], recorded)
    return grouped(runs, naming(runs))


def rows(file):
    with file.open() as handle:
        return list(csv.DictReader(handle))


def test_runs_that_differ_in_the_seed_alone_are_a_group(two_groups):
    runs, damaged = find_runs([two_groups, two_groups / "runs"], recorded)
    assert damaged == []
    assert differing(runs) == ["combiner"]
    (task,) = grouped(runs, naming(runs)).values()
    found = [(group.name, tuple(run.seed for run in group.runs), group.missing) for group in task]
    assert found == [
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
    assert page.count("<svg ") >= 4
    assert not re.search(r'(src|href)="(?!#)', page)
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
    assert "| combiner=b | 1 of 3 |" in text
    assert "combiner=b in compiled/cartpole, seed 1: failed" in text
    assert "combiner=b in compiled/cartpole, seed 2: missing, where other settings have them" in text


def test_a_difference_that_the_intervals_do_not_support_is_refused():
    random = np.random.default_rng(0)
    alike = {name: random.normal(size=(20, 1)) for name in ("a", "b")}
    (one,) = comparing.comparisons(alike)
    assert (one.supported, one.why_not) == (False, "the interval holds ½")
    lucky = {"a": np.arange(5.0)[:, None], "b": 10 + np.arange(5.0)[:, None]}
    (one,) = comparing.comparisons(lucky)
    assert (one.better, one.supported, one.p_value) == (
        "b",
        True,
        pytest.approx(2 / 252),
    )  # of 252 ways to draw 5 of 10
    (one,) = comparing.comparisons(lucky, {"b": 2})
    assert (one.supported, one.why_not) == (False, "2 of the runs of b ended without a score")
    few = {"a": np.full((4, 1), 1.0), "b": np.full((4, 1), 2.0)}
    (one,) = comparing.comparisons(few)
    assert (one.better, one.probability.value) == ("b", 1.0)
    assert (one.supported, one.why_not) == (False, "4 seeds are too few")


def test_environments_count_the_same_on_a_common_scale(tmp_path, root):
    for seed in range(5):
        for environment, scores in (("compiled/cartpole", (500.0, 100.0)), ("compiled/acrobot", (-100.0, -500.0))):
            for combiner, score in zip(("good", "bad"), scores, strict=True):
                write_run(tmp_path / "runs", combiner=combiner, seed=seed, returns=(score,), task=environment)
    write_run(tmp_path / "runs", combiner="good", seed=5, returns=(500.0,))
    write_run(tmp_path / "runs", combiner="alone", seed=0, returns=(500.0,))
    result = call(root, tmp_path, "report.py", "runs", "--scale", "compiled/cartpole=0,500")
    assert result.returncode == 0, result.stdout + result.stderr
    found = {row["setting"]: row for row in rows(tmp_path / "report" / "together.csv")}
    assert list(found) == ["combiner=good", "combiner=bad"]
    good, bad = found["combiner=good"], found["combiner=bad"]
    assert (good["seeds"], float(good["iqm"]), float(good["optimality_gap"])) == ("5", 1.0, 0.0)
    assert float(bad["mean"]) == pytest.approx((100 / 500 + 0) / 2)
    assert float(bad["optimality_gap"]) == pytest.approx(0.9)
    (over_all,) = [row for row in rows(tmp_path / "report" / "improvement.csv") if row["environment"] == "all"]
    assert (over_all["better"], float(over_all["probability"])) == ("combiner=good", 1.0)
    text = (tmp_path / "report" / "report.md").read_text()
    assert "0 and 1 are compiled/cartpole 0 and 500; compiled/acrobot -500 and -100" in text
    assert "combiner=alone is left out: it has no seed that was completed in every environment." in text
    assert "combiner=good counts without seeds 5, which some environment lacks." in text
    assert "combiner=alone in compiled/acrobot" not in text  # there is no such run


@pytest.mark.parametrize(
    "scales",
    [
        ["cartpole=0,500"],
        ["compiled/cartpole=500,0"],
        ["compiled/cartpole=0"],
        ["0,500"],
        ["compiled/cartpole=-inf,5"],
        ["compiled/cartpole=0,nan"],
        ["compiled/cartpole=0,1e-320"],
        ["compiled/cartpole=0,1", "compiled/cartpole=0,2"],
    ],
)
def test_a_scale_that_cannot_be_used_is_one_message(tmp_path, root, scales):
    for environment in ("compiled/cartpole", "compiled/acrobot"):
        write_run(tmp_path / "runs", task=environment)
    given = [word for scale in scales for word in ("--scale", scale)]
    result = call(root, tmp_path, "report.py", "runs", *given)
    assert result.returncode == 2
    assert f"--scale {scales[-1]}: " in result.stderr
    assert not (tmp_path / "report").exists()


def test_chance_supports_few_differences_among_many():
    """20 settings that are all alike, 5 seeds each: 190 comparisons, of which 5 % would be significant one by one."""
    random = np.random.default_rng(0)
    found = comparing.comparisons({str(k): random.normal(100, 1, size=(5, 1)) for k in range(20)})
    assert len(found) == 190
    assert sum(one.probability.low > 0.5 for one in found) > 10
    assert sum(one.supported for one in found) == 0


def test_the_test_over_several_tasks_is_the_one_over_one_with_more_seeds():
    from scipy.stats import mannwhitneyu

    random = np.random.default_rng(0)
    x, y = random.normal(0.8, 1, size=(12, 1)), random.normal(size=(12, 1))
    alone = mannwhitneyu(x[:, 0], y[:, 0], method="asymptotic", use_continuity=False).pvalue
    nothing = np.zeros((12, 1))  # a task in which all are alike adds nothing
    assert comparing._p_value(np.hstack([x, nothing]), np.hstack([y, nothing])) == pytest.approx(alone)
    assert comparing._p_value(np.hstack([x, y]), np.hstack([y, x])) == pytest.approx(1.0)
    twice = comparing._p_value(np.hstack([x, x]), np.hstack([y, y]))
    z = [abs(float(norm_isf(p / 2))) for p in (alone, twice)]
    assert z[1] == pytest.approx(np.sqrt(2) * z[0])


def norm_isf(p):
    from scipy.stats import norm

    return norm.isf(p)


def test_few_seeds_have_no_interval():
    assert np.isnan(statistics.estimate(np.full((4, 1), 2.0), statistics.mean).low)
    value, low, high = statistics.estimate(np.arange(5.0)[:, None], statistics.mean)
    assert (value, low < 2 < high) == (2.0, True)


def test_a_report_is_the_same_every_time(two_groups, root):
    files = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002, what rliable draws from
        assert call(root, two_groups, "report.py", "runs", "--out", f"report{seed}").returncode == 0
        out = two_groups / f"report{seed}"
        files.append({file.name: file.read_bytes() for file in out.glob("*.csv")})
    assert files[0] == files[1]
    assert len(files[0]) == 5


def test_settings_that_differ_within_a_choice_are_apart(tmp_path):
    for seed in range(2):
        for scope in ("global", "layer"):
            run = write_run(tmp_path / scope, combiner="sum", seed=seed, combiner_scope=scope)
            config = yaml.safe_load((run / ".hydra" / "config.yaml").read_text())
            config["combiner"]["scope"] = config.pop("combiner_scope")
            (run / ".hydra" / "config.yaml").write_text(yaml.safe_dump(config))
        write_run(tmp_path, combiner="pcgrad", seed=seed)
    (groups,) = settings_in(tmp_path).values()
    assert {(group.name, len(group.runs)) for group in groups} == {
        ("combiner=sum, scope=global", 2),
        ("combiner=sum, scope=layer", 2),
        ("combiner=pcgrad, scope=global", 2),
    }


def test_what_most_settings_have_goes_without_saying(tmp_path):
    base = {"agent": {"gamma": 0.9}, "clip": 1.0, "network": "small"}
    changes = [{}, {"agent": {"gamma": 0.5}}, {"clip": 2.0}, {"clip": 3.0, "network": "wide"}]
    for place, change in enumerate(changes):
        write_run(tmp_path / str(place), **base | change)
    runs, _ = find_runs([tmp_path], recorded)
    assert naming(runs).usual == {None: {"agent.gamma": "0.9", "network": "small"}}
    (groups,) = settings_in(tmp_path).values()
    assert [group.name for group in groups] == [
        "gamma=0.5, clip=1.0",
        "clip=1.0",
        "clip=2.0",
        "clip=3.0, network=wide",
    ]


@pytest.mark.parametrize(
    ("key", "one", "other"),
    [
        ("agent", {"gamma": 0.9999999}, {"gamma": 1.0}),
        ("frozen", {"anchor": {"_target_": "Never"}}, {"anchor": {"_target_": "Snapshot"}}),
        ("environment", {"max_episode_steps": 200}, {"max_episode_steps": 500}),
    ],
)
def test_settings_that_differ_in_anything_are_apart(tmp_path, key, one, other):
    write_run(tmp_path / "one", **{key: one})
    write_run(tmp_path / "other", **{key: other})
    (groups,) = settings_in(tmp_path).values()
    assert [len(group.runs) for group in groups] == [1, 1]


def test_what_differs_between_environments_alone_is_not_part_of_a_setting(tmp_path):
    for environment, steps in (("compiled/cartpole", 100), ("compiled/acrobot", 300)):
        for combiner in ("a", "b"):
            run = write_run(tmp_path, combiner=combiner, task=environment, horizon=steps)
            assert run.exists()
    for groups in settings_in(tmp_path).values():
        assert [group.name for group in groups] == ["combiner=a", "combiner=b"]


def test_a_seed_counts_once(tmp_path, root):
    for place in ("here", "there"):
        for seed in range(3):
            for combiner, score in (("a", 1.0), ("b", 2.0)):
                write_run(tmp_path / "runs" / place, combiner=combiner, seed=seed, returns=(score + seed / 10,))
    assert call(root, tmp_path, "report.py", "runs").returncode == 0
    (one,) = rows(tmp_path / "report" / "improvement.csv")
    assert (one["supported"], one["why_not"]) == ("False", "3 seeds are too few")
    text = (tmp_path / "report" / "report.md").read_text()
    assert text.count("is excluded as a duplicate") == 6
    assert "6 runs, 6 of them completed, of 2 settings in 1 environment (excluded: 6 duplicates);" in text


DAMAGE = {
    "summary.json": ['{"status": "compl', "", "{}", '{"status": "completed", "seed": "x"}', "[]"],
    "metrics.csv": ["", "step,episode/return\n10,1\n20,2\n", "step,episode/return\n50,x\n100,1\n"],
    ".hydra/hydra.yaml": ["", "choices: [", "{}"],
    ".hydra/config.yaml": ["", "a: [", "${"],
}


@pytest.mark.parametrize(("name", "content"), [(name, text) for name, texts in DAMAGE.items() for text in texts])
def test_a_run_that_cannot_be_read_is_named(tmp_path, name, content):
    write_run(tmp_path, seed=0)
    broken = write_run(tmp_path, seed=1, returns=tuple(range(10)))
    (broken / name).write_text(content)
    (whole,), (damaged,) = find_runs([tmp_path], recorded)
    assert (whole.seed, damaged.path) == (0, broken)
    assert damaged.why


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ((10, 20, 40, 50), "1 of 5 rows, the first that of step 30"),
        ((30, 40, 50), "2 of 5 rows, the first that of step 10"),
        ((10, 30, 50), "2 of 5 rows, the first that of step 20"),
        ((10, 50), "3 of 5 rows, the first that of step 20"),
    ],
)
def test_a_completed_run_with_a_hole_in_its_log_is_named(tmp_path, steps, why):
    write_run(tmp_path, seed=0)
    broken = write_run(tmp_path, seed=1, returns=(1.0,) * 5)
    (broken / "metrics.csv").write_text("\n".join(["step,episode/return", *(f"{step},1" for step in steps)]) + "\n")
    (whole,), (damaged,) = find_runs([tmp_path], recorded)
    assert (whole.seed, damaged.path, damaged.why) == (0, broken, f"metrics.csv lacks {why}")


@pytest.mark.parametrize("lost", [".hydra/config.yaml", ".hydra/hydra.yaml", "summary.json"])
def test_a_directory_with_our_marker_that_lacks_a_file_is_named(tmp_path, lost):
    write_run(tmp_path, seed=0)
    broken = write_run(tmp_path, seed=1)
    mark(broken, "run")
    (broken / lost).unlink()
    mark(tmp_path / "compiled", "sweep")  # no run's
    (tmp_path / "compiled" / "summary.json").write_text("{}")
    (_,), (damaged,) = find_runs([tmp_path], recorded)
    assert (damaged.path, damaged.why) == (broken, f"it lacks {lost}")


def test_settings_that_tie_are_not_called_best(tmp_path, root):
    for combiner in "abcdef":
        write_run(tmp_path / "runs", combiner=combiner, returns=(1.0, 500.0))
    write_run(tmp_path / "runs", combiner="g", returns=(1.0, 400.0))
    assert call(root, tmp_path, "report.py", "runs").returncode == 0
    text = (tmp_path / "report" / "report.md").read_text()
    assert "| compiled/cartpole | 7 | 7 | 6 settings tie at 500.0 | 500.0 |" in text
    assert text.count("| one of 6 that tie |") == 6
    assert 'class="marked"' not in (tmp_path / "report" / "report.html").read_text()


def test_a_report_says_what_it_could_not_read(tmp_path, root):
    for seed in range(3):
        broken = write_run(tmp_path / "runs", seed=seed)
    (broken / "summary.json").write_text("{")
    result = call(root, tmp_path, "report.py", "runs")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 runs, 1 group. 1 directory could not be read." in result.stdout
    assert "(excluded: 1 damaged directory);" in (tmp_path / "report" / "report.md").read_text()
    assert f"{broken} is excluded as damaged: summary.json is " in (tmp_path / "report" / "report.md").read_text()


def test_a_line_that_is_still_being_written_harms_nothing(tmp_path):
    run = write_run(tmp_path, status="running")
    with (run / "metrics.csv").open("a") as handle:
        handle.write("30,3")
    (found,), damaged = find_runs([tmp_path], recorded)
    assert (found.status, found.metrics.columns, damaged) == ("running", {}, [])


def test_the_next_report_leaves_nothing_of_the_last(two_groups, root):
    assert call(root, two_groups, "report.py", "runs").returncode == 0
    (two_groups / "report" / "mine.txt").write_text("kept")
    write_run(two_groups / "alone")
    assert call(root, two_groups, "report.py", "alone").returncode == 0
    names = {file.name for file in (two_groups / "report").rglob("*")}
    assert "improvement.csv" not in names
    assert "compiled_cartpole_improvement.png" not in names
    assert {"mine.txt", "scores.csv", "compiled_cartpole_scores.png"} <= names


def test_probability_and_iqm_are_rliables():
    from rliable import metrics

    random = np.random.default_rng(1)
    for _ in range(10):
        x, y = random.integers(0, 5, size=(7, 3)).astype(float), random.integers(0, 5, size=(9, 3)).astype(float)
        (one,) = comparing.comparisons({"x": x, "y": y})
        expected = metrics.probability_of_improvement(x, y)
        assert one.probability.value == pytest.approx(max(expected, 1 - expected), abs=1e-12)
        frames = random.normal(size=(11, 1, 3))
        points = [metrics.aggregate_iqm(frames[..., p]) for p in range(3)]
        np.testing.assert_allclose(statistics._iqms(frames), points, rtol=1e-12)


def test_names_are_texts_in_the_page(tmp_path):
    page = Page("<script>")
    page.table(["<b>"], [["a|b"]])
    page.items(["<img>", "two\nlines of *$x$ `y`*"])
    page.write(tmp_path)
    html = (tmp_path / "report.html").read_text()
    assert "<script>" not in html
    assert "<img>" not in html
    markdown = (tmp_path / "report.md").read_text()
    assert "a\\|b" in markdown
    assert "- two lines of \\*$x$ \\`y\\`\\*\n" in markdown
    assert "\\<img>" in markdown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "nowhere is not a folder"),
        (["."], "holds no run directory"),
        (["--score", "x", "."], "invalid choice"),
        ([".", "--out", "file"], "--out file is a file; the report needs a folder"),
    ],
)
def test_bad_input_is_one_message(tmp_path, arguments, sentence):
    (tmp_path / "file").touch()
    result = processes.run(tmp_path, "report.py", *arguments, check=False)
    assert result.returncode == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_the_tab_and_the_report_say_the_same_of_the_same_runs(tmp_path):
    """Gramians of three seeds, and what the probes log of them: one ratio and one share, signs kept."""
    from gramian_logs import legend

    from rl.tensorboard.plugin import quantities
    from rl.tensorboard.plugin.facts import facts
    from rl.tensorboard.plugin.source import AGAINST_STEP, Series
    from rl.tensorboard.plugin.views import folded

    random = np.random.default_rng(0)
    of = legend(layers=1, extra_rows=(AGAINST_STEP,))
    series, columns = [], []
    for _ in range(4):
        rows = random.normal(size=(6, 4, 5)) * np.array([1.0, 9.0, 0.1, 1.0])[:, None]
        series.append(Series(of, np.arange(1, 7), rows[:, None] @ rows[:, None].swapaxes(2, 3), 0, 0))
        total = series[-1].gramians.sum(1)
        shares = quantities.shares(total, of)
        columns.append(
            {
                "step": np.arange(1.0, 7.0),
                "gradient/norm_ratio/value-policy": quantities.ratio(total, 1, 0),
                "update/share/value": shares[:, 1],
            }
        )
    (run,), _ = find_runs([write_run(tmp_path)], recorded)
    group = Group("all runs", "cartpole", tuple(run._replace(metrics=Metrics(own)) for own in columns))
    measures = objectives.measures((("policy", "value"), own) for own in columns)
    assert {measure.tag for measure in measures} == columns[0].keys() - {"step"}
    row, found = gradients.row("cartpole", group, measures), facts(series)
    assert (found.long, found.served) == ("value", "value")
    assert found.ratio == row["gradient/norm_ratio/value-policy"]
    assert found.share == row["update/share/value"]
    (of_runs,) = folded({"a": dict(enumerate(series))}, "share", "value", "", 4)
    assert of_runs["summary"]["median"] == row["update/share/value"]
