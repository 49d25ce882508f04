"""Reports and comparisons on an agent whose objectives have names of their own: every part on the rows is filled."""

import ast
import csv
import re

import numpy as np
import pytest
import tensorflow as tf
from inside import call
from omegaconf import OmegaConf

from rl.gradients.probes.attribution import attribution
from rl.gradients.probes.chain import chain
from rl.gradients.probes.cosines import conflict_fraction, row_cosines
from rl.gradients.probes.evidence import Evidence
from rl.gradients.probes.norms import row_norms
from rl.runs.directory import RunDirectory
from rl.runs.metrics_file import MetricsFile

OBJECTIVES, LAYERS, STEPS = ("alpha", "beta", "gamma", "delta"), ("torso/dense_0", "torso/dense_1"), (10, 20, 30)
COEFFICIENTS = {"alpha": 1.0, "beta": 0.5, "gamma": 2.0, "delta": 0.01}
GROUPS = {"first": ["delta", "alpha"], "second": ["beta"], "third": ["gamma"]}
FORBIDDEN = re.compile(r"\b(policy|value|entropy|actor|critic)\b", re.IGNORECASE)


class Rows(Evidence):
    """Random rows of four objectives on two layers, and steps of −0.01 of their weighted sum."""

    objectives, layers, sizes = OBJECTIVES, LAYERS, (8, 8)

    def __init__(self, random, length):
        self.coefficients = tf.constant(list(COEFFICIENTS.values()), tf.float64)
        rows = random.normal(size=(len(LAYERS), len(OBJECTIVES), 8)) * np.array([1.0, length, 3.0, 0.1])[:, None]
        combined = np.einsum("i,lip->lp", list(COEFFICIENTS.values()), rows)[:, None]
        every = np.concatenate([rows, combined, 0.5 * combined, -0.01 * combined], 1)
        self.gramian = tf.constant(every @ every.swapaxes(1, 2))
        self.torso_norms = {name: tf.norm(rows[:, i]) for i, name in enumerate(OBJECTIVES)}
        self.head_norms = {"beta": tf.constant(1.0)}


def findings(random, length):
    """{tag: number} as the default probes log it."""
    rows = Rows(random, length)
    found = [probe(rows) for probe in (row_norms, row_cosines, conflict_fraction, attribution, chain)]
    return {tag: float(number) for of_probe in found for tag, number in of_probe.items()}


def write_run(path, length, seed):
    random = np.random.default_rng(seed)
    rows = [findings(random, length) for _ in STEPS]
    columns = {"episode/return": [1.0, 2.0, 3.0 + length + seed / 10], "episode/count": [1.0] * len(STEPS)}
    columns |= {tag: [row[tag] for row in rows] for tag in rows[0]}
    config = {"seed": seed, "steps": STEPS[-1], "scale": length}
    config |= {"agent": {"coefficients": COEFFICIENTS, "groups": GROUPS}}
    choices = {"agent": "other", "environment": "compiled/cartpole", "experiment": "default"}
    directory = RunDirectory(path)
    directory.lock()
    files = {".hydra/config.yaml": config, ".hydra/hydra.yaml": {"choices": choices}, ".hydra/overrides.yaml": []}
    directory.write_texts({name: OmegaConf.to_yaml(OmegaConf.create(content)) for name, content in files.items()})
    MetricsFile(directory.metrics).append(STEPS, columns)
    summary = {"status": "completed", "steps": STEPS[-1], "updates": 3, "wall_seconds": 1.0, "steps_per_second": 30.0}
    directory.write_summary(summary | {"evaluation": None, "seed": seed})
    directory.unlock()
    return columns


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with five seeds of two settings, and {setting: the columns of each seed}."""
    folder = tmp_path_factory.mktemp("other_objectives")
    names = {2.0: "short", 20.0: "long"}
    return folder, {
        length: [write_run(folder / "runs" / f"{name}__seed-{seed}", length, seed) for seed in range(5)]
        for length, name in names.items()
    }


@pytest.fixture(scope="module")
def report(root, runs):
    folder, _ = runs
    result = call(root, folder, "report.py", "runs")
    assert result.returncode == 0, result.stdout + result.stderr
    return folder / "report"


def test_the_table_has_every_pair_of_leading_objectives(report):
    text = (report / "report.md").read_text()
    section = text.split("Who moves the torso\n")[1]
    header, _, *lines = re.search(r"(?:^\|.*\n)+", section, re.M)[0].splitlines()
    assert [cell.strip() for cell in header.split("|")[1:-1]] == [
        "setting",
        "beta row / alpha row",
        "gamma row / alpha row",
        *(f"cosine of {pair}" for pair in ("alpha and beta", "alpha and gamma", "beta and gamma")),
        *(f"conflict of {pair} (layers)" for pair in ("alpha and beta", "alpha and gamma", "beta and gamma")),
        "alpha's share of the step",
        "beta's share",
        "gamma's share",
        "−Δw's cosine with the alpha's row",
        "with the beta's",
        "with the gamma's",
    ]
    assert len(lines) == 2
    assert "–" not in "".join(lines)
    assert "delta" not in header  # alpha leads the group that they share
    assert "compiled_cartpole_gradients.png" in text
    assert (report / "figures" / "compiled_cartpole_gradients.png").stat().st_size > 20_000


def test_the_csv_has_medians_over_training_and_then_over_seeds(report, runs):
    with (report / "gradients.csv").open() as handle:
        rows = {row["setting"]: row for row in csv.DictReader(handle)}
    for length, name in ((2.0, "scale=2.0"), (20.0, "scale=20.0")):
        for tag in ("gradient/norm_ratio/gamma-alpha", "gradient/cosine/beta-gamma", "update/share/beta"):
            medians = [np.median(columns[tag]) for columns in runs[1][length]]
            assert float(rows[name][tag]) == pytest.approx(np.median(medians), rel=1e-6)  # nine digits in metrics.csv
            assert float(rows[name][f"{tag} (upper quartile)"]) == pytest.approx(np.quantile(medians, 0.75), rel=1e-6)
    with (report / "runs.csv").open() as handle:
        assert float(next(csv.DictReader(handle))["update/cosine/gamma-applied"]) <= 1


def test_nothing_names_objectives_that_the_agent_does_not_have(report):
    for file in (report / "report.md", *report.glob("*.csv")):
        assert not FORBIDDEN.search(file.read_text()), file.name
    page = re.sub(r"<style.*?</style>", "", (report / "report.html").read_text(), flags=re.S)
    assert not FORBIDDEN.search(page)


def test_compare_has_a_column_for_every_pair(root, runs, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    folder, columns = runs
    result = call(root, folder, "inspect_gradients.py", "compare", "runs/short__seed-0", "runs/long__seed-1")
    assert result.returncode == 0, result.stderr
    printed = re.sub(r"\s+", " ", result.stdout.replace("│", " ").replace("┃", " "))
    for heading in ("|beta| / |alpha|", "|gamma| / |alpha|", "cos alpha-beta", "cos alpha-gamma", "share of gamma"):
        assert set(re.split(r" |(?<=-)", heading)) <= set(printed.split()), heading  # broken where a table breaks it
    assert not FORBIDDEN.search(printed)
    ratio = np.median(columns[2.0][0]["gradient/norm_ratio/beta-alpha"])
    (line,) = [line for line in result.stdout.splitlines() if "short__seed-0" in line]
    assert f"{ratio:.3g}" in [cell.strip() for cell in line.split("│")]


@pytest.mark.parametrize("room", ["reports", "commands"])
def test_no_objective_or_head_is_named_in_the_source(root, room):
    for file in (root / "rl" / room).rglob("*.py"):
        tree = ast.parse(file.read_text())
        nodes = list(ast.walk(tree))
        texts = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings
        strings = [node for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        found = [node.value for node in strings if id(node) not in texts and _NAMES.search(node.value)]
        assert not found, f"{file.name}: {found}"


_NAMES = re.compile(r"\b(policy|entropy|actor|critic)\b|\bvalue (row|head)\b|/value\b|\bvalue-|-value\b")
