"""The texts: links and pictures exist, settings and places that they name are real, and the README is short."""

import pathlib
import re
import urllib.parse

import pytest
import yaml
from handbook import ALL, LANGUAGES, MARK, ROOT, every_text, prose, texts
from omegaconf import OmegaConf

from rl.config_files import CONFIGS

TEXTS = pytest.mark.parametrize("text", every_text(), ids=lambda text: text.relative_to(ROOT).as_posix())
OURS = pytest.mark.parametrize("text", texts(), ids=lambda text: text.relative_to(ROOT).as_posix())
COMPOSED = (
    ("probe=oracle", "environment=gymnasium", "environment.id=CartPole-v1"),
    ("agent=sac", "environment=compiled/pendulum", "replay=prioritized"),
)
"""Overrides of configs in which a setting that a text names has to be, or in the file of a choice."""
ADDED = "|".join(
    (
        r"extend|hydra[./].+|environment\.kwargs\..+|optimizer\.rates\..+|auxiliary\.<name>\..+|frozen\.<role>.*",
        r"logger\.(?:<name>|wandb)\..+",
    )
)
"""Keys that are given on the command line alone."""


@TEXTS
def test_links_and_pictures_exist(text):
    for address in re.findall(r"\]\(([^)\s]+)\)", text.read_text(encoding="utf-8")):
        place, _, anchor = urllib.parse.unquote(address).partition("#")
        if re.match(r"[a-z]+:", place):
            continue
        target = (text.parent / place).resolve() if place else text
        assert target.exists(), address
        if anchor:
            assert anchor in anchors(target), address


def anchors(text):
    """The anchors that GitHub gives the headings of a text."""
    headings = re.findall(r"^#+ (.*)$", text.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@OURS
def test_every_place_that_a_text_names_exists(text):
    """Except the places of files that a guide adds."""
    added = {pathlib.PurePath(example.file).stem for example in ALL if example.file}
    for place in re.findall(r"`((?:rl|configs|scripts|tests|experiments|recipes)/[\w/.]*)`", prose(text)):
        assert (ROOT / place).exists() or pathlib.PurePath(place).stem in added, place


@pytest.fixture(scope="module")
def keys():
    """The dotted keys of composed configs and of every choice of every group, and of their beginnings."""
    import hydra

    from rl.commands.run_names import flat, register_resolvers

    register_resolvers()
    found = set()
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        for overrides in COMPOSED:
            found |= flat(hydra.compose("train", overrides=list(overrides))).keys()
    for file in CONFIGS.glob("*/**/*.yaml"):
        group = file.parent.relative_to(CONFIGS).parts
        at = "environment" if group[0] == "environment" else ".".join(group)
        found |= {f"{at}.{key}" for key in flat(OmegaConf.load(file), resolve=False) if key != "defaults"}
    return {key.rsplit(".", n)[0] for key in found for n in range(key.count(".") + 1)}


def settings_in(text):
    """(key, value) of every `key=value` that the prose of a text has in backticks, one or several in a row."""
    for code in re.findall(r"`([^`\n]+)`", prose(text)):
        words = code.split()
        if all(re.fullmatch(r"'?[+]?[a-z][\w./<>]*=(?!True|False)\S+", word) for word in words):
            yield from (word.strip("'").removeprefix("+").partition("=")[::2] for word in words)


@OURS
def test_every_setting_that_a_text_names_exists(text, keys):
    for key, value in settings_in(text):
        folder = CONFIGS / key
        if folder.is_dir():
            chosen = re.findall(r"[a-z][\w/]*", value.partition("(")[0] if "glob" in value else value)
            options = {"gymnasium", *(f.relative_to(folder).with_suffix("").as_posix() for f in folder.rglob("*.yaml"))}
            assert "…" in value or "<" in value or set(chosen) <= options | {"glob"}, f"{key}={value}"
        else:
            assert key in keys or re.fullmatch(ADDED, key), f"{key}={value}"


def test_settings_are_found(tmp_path, keys):
    """The two functions above can fail."""
    file = tmp_path / "text.md"
    file.write_text("`agent=ppo agent.clip=0.3` and `combiner.sope=layer`, but no `x = y`\n")
    assert list(settings_in(file)) == [("agent", "ppo"), ("agent.clip", "0.3"), ("combiner.sope", "layer")]
    assert "agent.clip" in keys
    assert "combiner.sope" not in keys


def test_the_readme_is_short_and_its_first_picture_is_near():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 250
    assert next(n for n, line in enumerate(lines) if line.startswith("![")) <= 60


@OURS
def test_every_command_stands_in_a_block_that_is_tested(text):
    assert not re.findall(r"^ {4,}(?:tapestry|python|make|pip) .*$", prose(text), re.MULTILINE)
    blocks = [example for example in ALL if ROOT / example.text == text]
    assert {example.language for example in blocks} <= set(LANGUAGES)
    assert {example.mark for example in blocks} <= {"", MARK}


def test_few_examples_are_not_run():
    run = [example for example in ALL if example.language in ("sh", "python")]
    marked = [example for example in run if example.mark]
    assert len(marked) <= len(run) / 3, [f"{example.text} {example.number}" for example in marked]


def test_the_citation_is_of_this_version():
    import rl

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == rl.__version__
    assert citation["cff-version"] == "1.2.0"
    assert {"title", "authors", "message"} <= citation.keys()
    assert re.search(r"^## (?:Unreleased|0\.1\.0)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
