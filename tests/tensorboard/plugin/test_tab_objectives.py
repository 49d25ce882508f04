"""Six and eight objectives in several groups: every page can be read at 900 pixels and more, light and dark."""

import re

import numpy as np
import pytest
from faulting.servers import tensorboard
from gramian_logs import legend
from labels import beyond_the_page, crowded, overlapping_words
from tab import SIZE, Tab

from rl.tensorboard.writer import Writer

VIEWS = ("overview", "layers", "moment", "whatif", "runs")
GROUPS = {
    "six": {
        "model": ("reward_prediction", "next_observation", "termination"),
        "features": ("inverse_dynamics", "self_prediction"),
        "regularisation": ("decorrelation",),
    },
    "eight": {
        "control": ("policy_improvement", "entropy_bonus"),
        "values": ("value_regression", "successor_features"),
        "features": ("reward_prediction", "next_observation", "inverse_dynamics", "contrastive_prediction"),
    },
}
"""The number of groups is the same, since What if compiles every combiner anew for another number."""
EXTRA_ROWS = ("combined", "clipped", "applied", "stale/target/reward_prediction", "through_target")
MOMENTS, WIDTH = 30, 24
SAMPLE = re.compile(r'stroke="(#\w+)" stroke-width="2"(?: stroke-dasharray="([\d ]+)")?')
"""The sample of a line in a figure's legend."""
NAMED_SAMPLE = re.compile(r'stroke="(#\w+)" stroke-width="2"[^>]*></path>\n<text [^>]*>([^<]* · [^<]*)<')
"""The same with the name of a pair behind it."""


def objectives(groups):
    return [name for members in groups.values() for name in members]


def rows(of, random):
    """[L, R, P]: norms from 0.1 to 30, and a step along the negative sum of the objectives' rows."""
    m = len(of.objectives)
    found = random.normal(size=(len(of.layers), len(of.rows), WIDTH)) * np.geomspace(0.1, 30, len(of.rows))[:, None]
    found[:, m] = found[:, :m].sum(1)
    found[:, m + 1] = 0.5 * found[:, m]
    found[:, m + 2] = -0.01 * found[:, m]
    return found


@pytest.fixture(scope="module")
def opened(chromium, tmp_path_factory):
    logs = tmp_path_factory.mktemp("objectives")
    for name, groups in GROUPS.items():
        (logs / f"{name}_objectives").mkdir()
        writer, random = Writer(logs / f"{name}_objectives"), np.random.default_rng(len(name))
        of = legend(layers=4, objectives=objectives(groups), extra_rows=EXTRA_ROWS)._replace(groups=groups)
        for step in range(1000, 1000 * (MOMENTS + 1), 1000):
            some = rows(of, random)
            writer.gramian(some @ some.swapaxes(-1, -2), of, step)
            writer.scalars({"episode/return": step / 100}, step)
        writer.close()
    with tensorboard(logs, "--reload_interval", "0", runs=len(GROUPS)) as address:
        tab = Tab(chromium.new_page(viewport=SIZE), address)
        tab.open()
        yield tab
        tab.page.close()


@pytest.mark.parametrize("extra", [False, True])
@pytest.mark.parametrize(("theme", "width"), [("light", 900), ("dark", 900), ("light", 1440)])
@pytest.mark.parametrize("name", GROUPS)
def test_every_page_can_be_read(tab, name, theme, width, extra):
    tab.page.set_viewport_size(SIZE | {"width": width})
    tab.restart(filter=name, run=f"{name}_objectives", theme=theme, extra=extra)
    for view in VIEWS:
        tab.view(view)
        assert crowded(tab) == [], view
        assert overlapping_words(tab) == [], view
        assert beyond_the_page(tab) == [], view
    assert tab.frame.locator("html.dark").count() == (theme == "dark")


@pytest.mark.parametrize("name", GROUPS)
def test_no_two_rows_look_the_same(tab, name):
    tab.restart(filter=name, extra=True)
    svg = tab.save(tab.canvas("Norms of the rows"), "SVG")[1].decode()
    samples = SAMPLE.findall(svg)
    assert len(samples) == len(set(samples)) == len(objectives(GROUPS[name])) + len(EXTRA_ROWS)


def test_of_many_pairs_the_charts_draw_the_same_eight_in_the_same_colours(tab):
    tab.restart(filter="six", smoothing=0)
    (answer,) = tab.ask("overview", run="six_objectives", points=200)["settings"]
    pairs = {line["name"]: np.mean(line["values"]) for line in answer["cosine"] if not line["extra"]}
    assert len(pairs) == 15
    lowest = set(sorted(pairs, key=pairs.get)[:8])
    pictures = [tab.save(tab.canvas(title), "SVG")[1].decode() for title in ("Cosines", "Conflict")]
    drawn = [
        re.findall(r'stroke="(#\w+)" stroke-width="2".*?></path>\n<text [^>]*>([^<]* · [^<]*)<', x) for x in pictures
    ]
    assert {name for _, name in drawn[0]} == lowest
    assert drawn[0] == drawn[1]
    words = tab.frame.locator("section.card").inner_text()
    assert "of 15 pairs, the 8 with the lowest mean cosines are drawn" in words


def test_the_sparklines_compare_the_first_objectives_of_two_groups(tab):
    tab.restart(filter="six")
    titles = tab.frame.locator(".spark span").all_text_contents()
    assert titles[0].startswith("return ")
    assert titles[1].startswith("inverse_dynamics : reward_prediction ")
    assert titles[2].startswith("share, ")
