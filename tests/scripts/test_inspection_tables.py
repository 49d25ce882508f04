"""Tables in terminals of several widths: whole numbers, the most important columns, and a word on the others."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from rl.commands.inspection.audit import _columns as audit_columns
from rl.commands.inspection.figures import agreement_colors
from rl.commands.inspection.printing import Column, fitting, show
from rl.commands.inspection.what_if import _columns, _other_optimizers
from rl.instruments.what_if import Outcome

WIDTHS = (60, 80, 120, 160)


def outcome(random):
    """An outcome with numbers of every size and sign."""
    names, groups = ("policy", "value", "entropy"), ("actor", "critic")

    def numbers(keys):
        return {key: float(x) for key, x in zip(keys, random.normal(size=len(keys)) * 1e-7, strict=True)}

    row = random.normal(size=5)
    fields = {"row_weights": numbers(groups), "direction": row, "step": -1e-3 * row}
    return Outcome(**fields, expected=numbers(names), changes=numbers(names), elsewhere=numbers(names))


@pytest.fixture
def columns():
    random = np.random.default_rng(0)
    names = ("sum", "aligned_mtl", "a_combiner_from_elsewhere_with_a_long_name")
    return _columns({name: outcome(random) for name in names}, "sum", ("actor", "critic"))


@pytest.mark.parametrize("width", WIDTHS)
def test_what_if_fits_with_whole_numbers(columns, width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    show("a title", columns, "All numbers are in out/whatif.csv.")
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= width
    kept, left_out = fitting(columns, width)
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if "│" in line]
    for column, shown in zip(kept[1:], zip(*(line[1:] for line in cells), strict=True), strict=True):
        assert [cell for cell in shown if cell] == list(column.cells)
    names = "".join(line[0] for line in cells)
    assert names == "sumaligned_mtla_combiner_from_elsewhere_with_a_long_name"
    told = re.sub(r"\s+", " ", printed)
    assert ("No room at" in told) == bool(left_out)
    if left_out:
        sentence = f"columns for: {', '.join(x.heading for x in left_out)}. All numbers are in out/whatif.csv."
        assert sentence in told


def test_wider_terminals_have_more_and_the_widest_has_all(columns):
    kept = [{column.heading for column in fitting(columns, width)[0]} for width in WIDTHS]
    assert all(narrow <= wide for narrow, wide in itertools.pairwise(kept))
    assert {"combiner", "cosine to sum", "Δpolicy", "Δvalue"} <= kept[0]
    assert len(kept[-1]) == len(columns)


def test_what_stays_has_the_lowest_ranks(columns):
    for width in range(20, 170):
        kept, left_out = fitting(columns, width)
        assert kept[0] is columns[0]
        assert max((column.rank for column in kept[1:]), default=0) <= min((x.rank for x in left_out), default=9)


def test_a_cell_is_text_in_any_case(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    show("t", [Column("run", [r"\[x]"], is_name=True), Column("n", ["1,234"])], "")
    assert "1,234" in capsys.readouterr().out


def test_the_optimizers_that_the_table_leaves_out_are_counted_and_named():
    file = Path("out") / "whatif.csv"
    assert _other_optimizers(["adamw", "sgd"], file) == "2 further optimizers are in out/whatif.csv: adamw, sgd."
    assert _other_optimizers(["sgd"], file) == "1 further optimizer is in out/whatif.csv: sgd."
    assert _other_optimizers([], file) == "There is no other optimizer."


def test_the_figures_colours_are_the_tabs(root):
    """Red fights and blue agrees, in both."""
    plt = pytest.importorskip("matplotlib.pyplot")
    theme = (root / "rl" / "tensorboard" / "plugin" / "static" / "theme.js").read_text()
    red, blue = re.search(r'ends: \[\s*\["(#\w+)", "(#\w+)"\]', theme).groups()  # the first of two are the light ones
    middle = re.search(r'middle: \["(#\w+)"', theme)[1]
    colors = agreement_colors(plt)
    for place, expected in ((0.0, red), (0.5, middle), (1.0, blue)):
        found = np.array(plt.matplotlib.colors.to_rgb(colors(place)))
        assert np.abs(found - plt.matplotlib.colors.to_rgb(expected)).max() < 0.01


def test_the_audit_of_several_updates_names_them_and_leaves_out_what_an_update_does_not_see():
    parts = {"shared": ("torso",), "parts": ("torso", "head")}
    first, second = {"torso/w": "zero", "head/w": "none"}, {"torso/w": "non-zero", "target/w": "none"}
    alone = audit_columns({"main": {"a": first}}, **parts)
    assert [column.heading for column in alone] == ["weight", "part", "a"]
    several = {
        column.heading: list(column.cells) for column in audit_columns({"x": {"a": first}, "y": {"a": second}}, **parts)
    }
    assert several["weight"] == ["torso/w", "head/w", "target/w"]
    assert several["part"] == ["shared", "private", "frozen copy"]
    assert several["x: a"] == ["[yellow]zero[/]", "[dim]none[/]", "–"]
    assert several["y: a"] == ["[bold green]non-zero[/]", "–", "[dim]none[/]"]
