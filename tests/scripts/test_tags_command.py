"""tags.py: a run's tags with their meanings."""

import inside
import pytest

from rl.runs.metrics_file import MetricsFile
from rl.tag_meanings import FAMILIES, meaning


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """A terminal as wide as the lines in these tests."""
    monkeypatch.setenv("COLUMNS", "120")


def call(root, folder, *arguments):
    return inside.call(root, folder, "tags.py", *arguments)


def test_it_lists_the_tags_of_a_run(root, tmp_path):
    (tmp_path / "run").mkdir()
    tags = ["episode/return", "gradient/norm/policy/torso/dense_0", "mine/own", "gradient/cross_batch/policy-value"]
    MetricsFile(tmp_path / "run" / "metrics.csv").append([8], {tag: [1.0] for tag in tags})
    printed = call(root, tmp_path, "run").stdout
    assert [line.split()[0] for line in printed.splitlines() if not line.startswith(" ")] == tags
    assert "Norm of an objective's row, without its coefficient." in " ".join(printed.split())
    assert "mine/own" + " " * 27 in printed or "of your own" in printed
    only = call(root, tmp_path, "run", "--match", "norm").stdout
    assert only.startswith("gradient/norm/policy/torso/dense_0  Norm of an objective's row")
    assert len(only.splitlines()) == 1
    assert call(root, tmp_path, "run", "--match", "gradient/*").stdout.count("gradient/") == 2


def test_without_a_run_it_lists_all_families(root, tmp_path):
    printed = call(root, tmp_path).stdout
    for family in FAMILIES:
        assert family.form in printed
    assert all(len(line) <= 120 for line in printed.splitlines())


def test_a_filter_does_not_match_placeholders(root, tmp_path):
    printed = call(root, tmp_path, "--match", "update").stdout
    assert "update/row_weight/<group>" in printed
    assert "gradient/snr" not in printed


def test_what_it_refuses(root, tmp_path):
    for arguments, sentence in (
        (["."], "error: . is not a run directory with a log: it has no metrics.csv."),
        (["nowhere"], "error: nowhere is not a run directory with a log: it has no metrics.csv."),
        (["--match", "nothing"], "error: no tag of a run matches --match 'nothing'."),
    ):
        result = call(root, tmp_path, *arguments)
        assert (result.returncode, result.stderr.strip()) == (2, sentence)


def test_the_most_specific_family_counts():
    assert meaning("gradient/cross_batch/policy-value") == "Cosine of two objectives' rows on disjoint samples."
    assert meaning("gradient/cross_batch/policy").startswith("Reliability")
    assert meaning("gradient/interference/value/negative").startswith("Share of pairs")
    assert meaning("objective/entropy").startswith("Loss of an objective")
    assert meaning("policy/entropy").startswith("Mean entropy")
    assert meaning("weights/norm/torso/dense_0").startswith("Norm of a layer")
    assert meaning("weights/torso/dense_0/kernel").startswith("Histogram")
    assert meaning("mine/own") is None
    assert all(family.meaning[0].isupper() or family.meaning[0] in "12t" for family in FAMILIES)
    assert all(family.meaning.endswith(".") or family.meaning.endswith("x.") for family in FAMILIES)
