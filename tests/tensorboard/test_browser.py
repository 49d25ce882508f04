"""A real TensorBoard on real runs, over HTTP and in a real browser."""

import re

import processes
import pytest
from browsers import browser
from faulting.servers import get, tensorboard

SMALL = ("num_envs=4", "agent.rollout_length=32", "network.torso.widths=[16]", "evaluation.episodes=10", "steps=4000")


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    for combiner in ("sum", "pcgrad"):
        more = (
            "probe.every_steps=512",
            "probe.every_iterations=1",
            "probe.histograms_every_steps=2000",
            f"combiner={combiner}",
        )
        processes.run(folder, "train.py", *SMALL, *more)
    return folder / "runs"


@pytest.fixture(scope="module")
def url(logs):
    with tensorboard(logs, runs=2) as address:
        yield address


def test_every_group_of_scalars_is_logged(url):
    tags = get(f"{url}/data/plugin/scalars/tags")
    for run, found in tags.items():
        groups = {tag.split("/")[0] for tag in found}
        expected = {"episode", "objective", "gradient", "update", "frozen", "policy", "value", "time", "evaluation"}
        assert expected <= groups, run


def test_the_chain_and_the_layers_are_logged(url):
    (found,) = [tags for run, tags in get(f"{url}/data/plugin/scalars/tags").items() if "pcgrad" in run]
    for tag in (
        "gradient/norm/value",
        "gradient/weighted_norm/value",
        "gradient/combined_norm",
        "gradient/clipped_norm",
        "update/applied_norm",
        "gradient/cosine/policy-value/torso/dense_0",
        "gradient/conflict/policy-value",
        "update/share/policy/torso/dense_0",
        "update/ratio/torso/dense_0",
        "update/clip_ratio",
        "update/row_weight/actor",
        "gradient/group_cosine/actor-critic",
        "frozen/anchor/kl",
        "frozen/behaviour/age",
    ):
        assert tag in found


def test_the_layout_puts_policy_against_value_at_the_top(url):
    layout = get(f"{url}/data/plugin/custom_scalars/layout")
    assert layout["category"][0]["title"] == "Policy against value"
    tags = {tag for found in get(f"{url}/data/plugin/scalars/tags").values() for tag in found}
    for category in layout["category"]:
        for chart in category["chart"]:
            patterns = chart["multiline"]["tag"]
            assert any(re.match(pattern, tag) for pattern in patterns for tag in tags), chart["title"]


def test_every_plugin_that_we_write_for_is_active(url):
    listing = get(f"{url}/data/plugins_listing")
    for plugin in ("scalars", "custom_scalars", "histograms", "text", "hparams"):
        assert listing[plugin]["enabled"], plugin


@pytest.fixture(scope="module")
def page():
    with browser() as running:
        yield running.new_page(viewport={"width": 1600, "height": 1000})


@pytest.mark.parametrize(
    ("tab", "words"),
    [
        ("timeseries", ["gradient", "episode"]),
        ("custom_scalars", ["Policy against value", "cosine of the rows"]),
        ("hparams", ["pcgrad", "evaluation/return"]),
        ("histograms", ["weights", "row"]),
        ("text", ["gamma: 0.99"]),
    ],
)
def test_a_tab_shows_the_runs(url, page, tab, words, tmp_path):
    page.goto("about:blank")  # a change of the fragment alone would not load the page anew
    page.goto(f"{url}/#{tab}")
    for word in words:
        page.get_by_text(word).locator("visible=true").first.wait_for(timeout=30_000)
    picture = page.screenshot(path=str(tmp_path / f"{tab}.png"))
    assert len(picture) > 20_000  # an empty page of this size takes less
