"""Parts from a package that is not this one, with configs of its own: one Python file and one YAML each."""

import csv
import json

import inside
import numpy as np
import pytest
from processes import SMALL

COMPILED = (
    "environment=compiled/cartpole",
    "num_envs=4",
    "steps=640",
    "probe.every_steps=64",
    "probe.every_iterations=1",
)
PARTS = {
    "combiner": (*COMPILED, "combiner=louder", "combiner.power=0.5"),
    "probe": (*COMPILED, "probe=longest"),
    "head": (*COMPILED, "agent=reinforce", "combiner=pcgrad"),
    "further head": (
        *COMPILED,
        "agent=reward_prediction",
        "agent.rollout_length=16",
        "combiner=imtl_g",
    ),
    "environment": (*COMPILED[1:], "environment=line", "agent.rollout_length=16"),
}


@pytest.fixture(scope="module")
def trained(root, tmp_path_factory):
    """{part: (the run's metrics by column, its summary)}."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "tests"))
        for part, overrides in PARTS.items():
            folder = tmp_path_factory.mktemp("stranger")
            configs = f"--config-dir={root / 'tests' / 'strangers' / 'configs'}"
            result = inside.call(root, folder, "train.py", configs, *SMALL, "network.torso.widths=[8]", *overrides)
            assert result.returncode == 0, result.stdout + result.stderr
            (run,) = (folder / "runs" / "default").iterdir()
            with (run / "metrics.csv").open() as file:
                rows = list(csv.DictReader(file))
            columns = {tag: np.array([float(row[tag] or "nan") for row in rows]) for tag in rows[0]}
            found[part] = columns, json.loads((run / "summary.json").read_text()), run
        yield found


def test_the_help_text_lists_them_beside_the_packages_own(root, tmp_path):
    folder = root / "tests" / "strangers" / "configs"
    printed = inside.call(root, tmp_path, "train.py", f"--config-dir={folder}", "--help").stdout
    for group, own, theirs in (
        ("combiner", "sum", "louder"),
        ("agent", "a2c", "reinforce"),
        ("probe", "all", "longest"),
    ):
        (line,) = [line.strip() for line in printed.splitlines() if line.strip().startswith(f"{group}: ")]
        offered = line.partition(": ")[2].split(", ")
        assert offered.index(own) < offered.index(theirs)


def test_their_audit_is_printed_before_there_is_a_run(root, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(root / "tests"))
    folder = root / "tests" / "strangers" / "configs"
    chosen = ("environment=compiled/cartpole", "agent=reinforce", "network.torso.widths=[8]")
    result = inside.call(root, tmp_path, "inspect_gradients.py", "audit", f"--config-dir={folder}", *chosen)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "baseline/linear/kernel" in result.stdout


def test_each_part_trains_to_the_end(trained):
    assert {summary["status"] for _, summary, _ in trained.values()} == {"completed"}


def test_the_combiners_weights_are_its_own(trained):
    """w_g ∝ |row_g|^½ of the groups' rows, of one update an iteration in every column."""
    columns, _, _ = trained["combiner"]
    total = columns["update/row_weight/actor"] + columns["update/row_weight/critic"]
    np.testing.assert_allclose(total, 2, rtol=1e-5)
    longer = columns["gradient/group_norm/critic"] > columns["gradient/group_norm/actor"]
    np.testing.assert_array_equal(columns["update/row_weight/critic"] > 1, longer)


def test_the_probe_is_logged(trained):
    columns, _, _ = trained["probe"]
    lengths = np.stack([columns[f"gradient/norm/{name}"] for name in ("policy", "value", "entropy")])
    np.testing.assert_allclose(columns["gradient/longest"], lengths.max(0) / lengths.sum(0), rtol=1e-5)


def test_a_head_of_another_name_is_measured_like_any_other(trained):
    columns, _, _ = trained["head"]
    for tag in (
        "gradient/norm/score",
        "gradient/norm/baseline",
        "gradient/cosine/score-baseline",
        "objective/baseline",
    ):
        assert np.isfinite(columns[tag]).any(), tag
    assert not [tag for tag in columns if "value" in tag.split("/")[-1] and tag.startswith("gradient")]


def test_a_further_head_has_a_row_a_norm_and_a_group(trained):
    columns, _, _ = trained["further head"]
    for tag in ("gradient/norm/reward", "gradient/head_norm/reward", "update/row_weight/world", "objective/reward"):
        assert np.isfinite(columns[tag]).any(), tag
    lengths = columns["gradient/head_norm/reward"]
    assert (lengths[np.isfinite(lengths)] > 0).all()


def test_the_environment_gives_its_returns(trained):
    columns, summary, _ = trained["environment"]
    assert set(np.unique(columns["episode/return_max"][np.isfinite(columns["episode/return_max"])])) <= {0.0, 1.0}
    assert 0 <= summary["evaluation"]["mean"] <= 1


def test_its_code_is_called_by_other_commands_only_where_it_is_trusted(root, trained, tmp_path):
    run = trained["combiner"][2]
    refused = inside.call(root, tmp_path, "evaluate.py", str(run), "--episodes", "2")
    assert refused.returncode == 2
    assert "--trust strangers" in refused.stderr
    told = inside.call(root, tmp_path, "evaluate.py", str(run), "--episodes", "2", "--trust", "strangers", "--json")
    assert told.returncode == 0, told.stderr
    assert len(json.loads(told.stdout.splitlines()[-1])["returns"]) == 2


def test_agents_are_audited_and_reported(root, trained, tmp_path):
    for part, objectives in (
        ("head", ("score", "baseline")),
        ("further head", ("policy", "value", "entropy", "reward")),
    ):
        run = trained[part][2]
        told = inside.call(root, tmp_path, "inspect_gradients.py", "audit", str(run), "--trust", "strangers")
        assert told.returncode == 0, told.stderr
        assert all(name in told.stdout for name in objectives)
        assert "Every objective reaches what it declares" in told.stdout


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (("combiner=louder", "combiner.powr=1"), "combiner.powr is unknown; did you mean combiner.power?"),
        (("combiner=louder", "combiner.size=1"), "combiner.size is unknown; combiner has scope, power."),
        (
            ("environment=cartpole", "environment.kwargs.gravity=3"),
            "environment.kwargs is empty; a new key is added with a plus: +environment.kwargs.gravity=…",
        ),
        (
            ("environment=cartpole", "environment.kwargs={gravity:3}"),
            "environment.kwargs is empty; a new key is added with a plus: +environment.kwargs.<name>=…",
        ),
        (("agent.coefficients={polcy:1}",), "agent.coefficients has policy, value, entropy, and no other key."),
    ],
)
def test_an_unknown_key_is_answered_by_those_of_the_chosen_part(root, tmp_path, monkeypatch, overrides, sentence):
    monkeypatch.syspath_prepend(str(root / "tests"))
    configs = f"--config-dir={root / 'tests' / 'strangers' / 'configs'}"
    ended = inside.call(root, tmp_path, "train.py", configs, *overrides)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert sentence in ended.stderr
