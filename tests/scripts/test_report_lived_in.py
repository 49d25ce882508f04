"""A report on a folder as people leave it: what it lists, and how its page looks in a browser."""

import csv
import re

import pytest
from browsers import browser
from faulting.lived_in import lived_in_folder
from inside import call

RUNS = 36  # the special kinds, and ten seeds of two settings and more


@pytest.fixture(scope="module")
def report(root, tmp_path_factory):
    """The folder of a report."""
    folder = tmp_path_factory.mktemp("lived_in")
    lived_in_folder(folder / "runs", RUNS)
    result = call(root, folder, "report.py", "runs")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "3 directories could not be read." in result.stdout
    return folder / "report"


def rows(file):
    with file.open() as handle:
        return list(csv.DictReader(handle))


def test_every_setting_of_an_environment_is_listed_once_and_no_other(report):
    scored = {(row["environment"], row["setting"]) for row in rows(report / "scores.csv")}
    runs = {(row["environment"], row["setting"]) for row in rows(report / "runs.csv")}
    assert scored == runs
    text = (report / "report.md").read_text()
    lines = re.findall(r"^\| .* \|$", text, re.M)
    for task in {task for task, _ in runs}:
        assert sum(line.startswith(f"| {task} | ") for line in lines) == 1, task


def test_scores_stand_from_high_to_low(report):
    text = (report / "report.md").read_text()
    section = text.split("## compiled/cartpole\n")[1]
    table = re.search(r"(?:^\|.*\n)+", section, re.M)[0]
    scores = [line.split("|")[3].strip().replace("\N{MINUS SIGN}", "-") for line in table.splitlines()[2:]]
    assert len(scores) >= 10
    assert [float(score) for score in scores] == sorted(map(float, scores), reverse=True)
    assert "| none: 1 seed |" in table
    assert table.count("| best |") == 1


def test_the_last_iteration_without_an_episode_costs_no_score(report):
    (run,) = [row for row in rows(report / "runs.csv") if row["environment"] == "mountain_car"]
    assert float(run["training"]) == -200


def test_names_and_headings_are_short(report):
    names = {row["setting"] for row in rows(report / "runs.csv")}
    assert max(map(len, names)) < 80
    html = (report / "report.html").read_text()
    assert all(len(heading) < 80 for heading in re.findall(r"<h[123]>(.*?)</h[123]>", html))


def test_a_figure_has_a_dozen_curves_at_most(report):
    html = (report / "report.html").read_text()
    for figure in re.findall(r'aria-label="Learning curves.*?</svg>', html, re.S):
        assert len(re.findall(r'<g id="text_\d+">', figure.split('<g id="legend_1">')[1])) <= 12


@pytest.fixture(scope="module")
def page(report):
    """The report in a browser."""
    with browser() as running:
        found = running.new_page()
        found.goto(f"file://{report / 'report.html'}")
        yield found


LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (900, 1440)]


def seen(page, scheme, width):
    """The page in a window of a width, under a colour scheme."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 1000})
    return page


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_page_begins_with_contents_and_is_not_long(page, scheme, width):
    seen(page, scheme, width)
    assert page.evaluate("document.documentElement.scrollHeight") < 6_000
    first = page.locator("table").first
    assert first.bounding_box()["y"] < 300
    assert first.locator("a").count() == 5


def test_a_link_opens_its_section(page):
    section = page.locator("details.section", has=page.locator("#mountain_car")).last
    assert section.get_attribute("open") is None
    page.get_by_role("link", name="mountain_car").click()
    page.wait_for_function("document.querySelector('#mountain_car').closest('details').open")


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_nothing_is_wider_than_the_window(page, scheme, width):
    seen(page, scheme, width)
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ends = page.locator("figure svg").evaluate_all("all => all.map((svg) => svg.getBoundingClientRect().right)")
    assert len(ends) > 10
    assert max(ends) <= width


INK = """() => {
  const style = (node) => getComputedStyle(node);
  const text = document.querySelector("figure svg g[id^=text_] [style*=fill]");
  return [style(document.body).backgroundColor, style(document.body).color, style(text).fill];
}"""


def test_figures_and_text_follow_light_and_dark(page):
    light, dark = (seen(page, scheme, 1440).evaluate(INK) for scheme in ("light", "dark"))
    assert light == ["rgb(255, 255, 255)", "rgb(32, 33, 36)", "rgb(32, 33, 36)"]
    assert dark == ["rgb(32, 33, 36)", "rgb(232, 234, 237)", "rgb(232, 234, 237)"]


def luminance(color):
    """WCAG 2.1's relative luminance of #rrggbb."""
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_curves_stand_out_from_their_ground(root):
    """3 : 1, which WCAG 2.1 asks of graphics."""
    style = (root / "rl" / "reports" / "page.css").read_text()
    for scheme in style.split("@media"):
        back = luminance(re.search(r"--back: (#\w{6})", scheme)[1])
        for name, color in re.findall(r"--(s\d+): (#\w{6})", scheme):
            high, low = sorted((luminance(color), back), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 3, (name, color)
