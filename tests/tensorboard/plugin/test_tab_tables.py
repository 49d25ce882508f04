"""The tables of What if and Runs: against the routes, and against numbers worked out by hand."""

import re

import pytest
from tab import parsed

DIGITS = 6e-3  # the page writes three significant digits
PPO = "agent=ppo,seed=0"


def table(tab):
    """{first cell: the other cells} and the column heads."""
    head = tab.frame.locator("table:visible thead th").all_inner_texts()
    rows = [row.locator("th, td").all_inner_texts() for row in tab.frame.locator("table:visible tbody tr").all()]
    return head, {first: rest for first, *rest in rows}


@pytest.fixture
def what_if(tab):
    tab.restart(view="whatif", run=PPO)
    return tab


def test_the_table_has_every_combiner_of_the_configs_and_marks_the_runs_own(what_if, root):
    configs = {file.stem for file in (root / "configs" / "combiner").glob("[!_]*.yaml")}
    configs.remove("critics_only")  # another name of value_only
    assert len(configs) >= 16
    _, rows = table(what_if)
    assert {name.removeprefix("● ") for name in rows} == configs
    assert [name for name in rows if name.startswith("● ")] == ["● pcgrad"]
    assert "● marks the run's own combiner" in what_if.frame.locator("main").inner_text()


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_the_combiners_numbers_are_the_routes(what_if, scope):
    what_if.choose("scope", scope)
    assert what_if.state()["scope"] == scope
    answer = what_if.ask("whatif", run=PPO, scope=scope)
    head, rows = table(what_if)
    assert head[1:4] == ["weight of actor", "weight of critic", "norm"]
    for one, texts in zip(answer["combiners"], rows.values(), strict=True):
        expected = [*one["row_weights"], one["length"], *one["cosines"][:3]]
        assert [parsed(text) for text in texts[:6]] == pytest.approx(expected, rel=DIGITS)
        hurt = [name for name, cosine in zip(answer["rows"], one["cosines"][:3], strict=False) if cosine < -1e-6]
        assert texts[6] == (", ".join(hurt) or "none")
        assert parsed(texts[7]) == pytest.approx(one["hurts_any"], abs=0.0051)
    # With weights for each layer a direction is no combination of the rows over all layers.
    figures = what_if.frame.locator("figure:visible .title").all_inner_texts()
    assert ("Directions that the combiners would have chosen" in figures) == (scope == "global")


def test_the_two_scopes_differ(what_if):
    _, together = table(what_if)
    what_if.choose("scope", "layer")
    _, layered = table(what_if)
    assert together["● pcgrad"] != layered["● pcgrad"]
    assert together["mean"] == layered["mean"]  # its weights do not depend on the rows


def test_choosing_a_combiner_marks_its_row_until_it_is_chosen_again(what_if):
    def chosen():
        return what_if.frame.locator("tr.chosen th").all_inner_texts()

    button = what_if.frame.get_by_role("button", name="mgda")
    button.click()
    assert chosen() == ["mgda"]
    assert button.get_attribute("aria-pressed") == "true"
    hurt = what_if.canvas("Fraction of updates")
    pair, share = what_if.hover(hurt, 0.3, 0.98)  # the last row of the matrix is the last of the table
    assert pair.split(" · ")[0] == "gradnorm"
    assert re.fullmatch(r"hurt in: [\d.]+ %", share)
    what_if.click(hurt, 0.3, 0.98)
    assert chosen() == ["gradnorm"]
    what_if.frame.get_by_role("button", name="gradnorm").click()
    assert chosen() == []


def test_another_moment_has_other_weights(what_if):
    _, newest = table(what_if)
    what_if.frame.get_by_label("previous moment").click()
    what_if.idle()
    _, before = table(what_if)
    expected = next(one for one in what_if.ask("whatif", run=PPO, step=39_000)["combiners"] if one["name"] == "mgda")
    assert [parsed(text) for text in before["mgda"][:2]] == pytest.approx(expected["row_weights"], rel=DIGITS)
    assert before["mgda"] != newest["mgda"]


def test_the_seeds_of_a_setting_are_one_line_with_a_band(tab):
    tab.view("runs")
    legend, bands = svg(tab)
    assert legend == ["agent=a2c (2)", "agent=ppo (1)", "hand (2)"]
    assert bands == 2
    head, rows = table(tab)
    assert head == ["setting", "seeds", "median over the run", "min", "max", "left out"]
    # The value's row is twice as long as the policy's with seed 0 and four times with seed 1.
    assert rows["hand"] == ["2", "3", "2", "4", ""]
    curve = tab.canvas("norm ratio: value over policy")
    lines = [line for line in tab.hover(curve, 0.06, 0.5) if line.startswith("hand")]
    assert lines == ["hand (2): 3 (2.5 to 3.5)"]  # quartiles between two numbers lie a quarter of the way


def svg(tab):
    """The legend's texts and the number of bands of the picture in Runs."""
    _, content = tab.save(tab.canvas("norm ratio"), "SVG")
    texts = re.findall(r">([^<>]* \(\d+\))</text>", content.decode())
    return texts, len(re.findall(r'<path [^>]*fill="#[^>]*opacity="0.2"', content.decode()))


def test_the_runs_numbers_are_the_routes(tab):
    tab.view("runs")
    tab.choose("quantity", "cosine")
    tab.choose("row", "policy")
    tab.choose("and", "combined")
    runs = [listing["run"] for listing in tab.ask("runs")["runs"]]
    answer = tab.ask("folded", run=runs, quantity="cosine", a="policy", b="combined", points=200)["groups"]
    _, rows = table(tab)
    assert list(rows) == [group["config"] for group in answer]
    for group in answer:
        seeds, *numbers, left_out = rows[group["config"]]
        assert int(seeds) == len(group["runs"])
        summary = group["summary"] and [group["summary"][key] for key in ("median", "least", "most")]
        found = [parsed(text) for text in numbers]
        assert found == (pytest.approx(summary, rel=DIGITS) if summary else [None] * 3)
        assert left_out == (f"{len(group['left_out'])} without these rows" if group["left_out"] else "")
    assert rows["hand"][-1] == "2 without these rows"  # those runs have no combined row
    box = tab.frame.get_by_label("agent=a2c,seed=1", exact=True).and_(tab.frame.get_by_role("checkbox"))
    box.uncheck()
    tab.idle()
    assert table(tab)[1]["agent=a2c"][0] == "1"
