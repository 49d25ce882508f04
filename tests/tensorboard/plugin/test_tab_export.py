"""The downloads of a figure: PNG, SVG and CSV."""

import csv
import io
import struct
from xml.etree import ElementTree

import pytest
from tab import SIZE

A2C, PPO = "agent=a2c,seed=0", "agent=ppo,seed=0"
SVG = "{http://www.w3.org/2000/svg}"


def rows_of(content):
    return list(csv.reader(io.StringIO(content.decode())))


def test_a_png_is_a_picture_of_twice_the_size(tab):
    canvas = tab.canvas("Norms of the rows")
    name, content = tab.save(canvas, "PNG")
    assert name == "agent=a2c_Norms_of_the_rows.png"
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])  # the first chunk is IHDR
    assert [width, height] == canvas.evaluate("(canvas) => [2 * canvas.clientWidth, 2 * canvas.clientHeight]")
    assert len(content) > 5_000  # an empty picture of this size takes less


@pytest.mark.parametrize(
    ("view", "title", "texts"),
    [
        ("overview", "Norms of the rows", {"policy", "value", "entropy", "20k", "40k"}),
        ("overview", "Cosines", {"policy · value", "policy · entropy", "value · entropy", "−1", "0", "1"}),
        ("layers", "Layers × time", {"torso/dense_0", "torso/dense_1", "torso/dense_2", "−1", "0", "1"}),
        ("moment", "Rows as arrows", {"policy", "value", "entropy", "combined", "−applied"}),
        ("moment", "Cosines of the rows", {"policy", "combined", "clipped", "−applied", "1"}),
        ("runs", "norm ratio", {"agent=a2c (2)", "agent=ppo (1)", "hand (2)"}),
    ],
)
def test_an_svg_is_xml_with_the_pictures_texts(tab, view, title, texts):
    tab.view(view)
    canvas = tab.canvas(title)
    name, content = tab.save(canvas, "SVG")
    assert name.endswith(".svg")
    root = ElementTree.fromstring(content)
    assert root.tag == f"{SVG}svg"
    size = canvas.evaluate("(canvas) => [canvas.clientWidth, canvas.clientHeight]")
    assert [int(root.get("width")), int(root.get("height"))] == size
    assert texts <= {node.text for node in root.iter(f"{SVG}text")}
    colours = {node.get("fill") for node in root.iter()} | {node.get("stroke") for node in root.iter()}
    assert len(colours) >= 5
    assert not {"nan", "infinity", "undefined"} & set(content.decode().lower().replace('"', " ").split())


@pytest.mark.parametrize("width", [700, 1500])
def test_a_legend_of_many_lines_is_whole_and_leaves_room_for_them(tab, width):
    tab.page.set_viewport_size(SIZE | {"width": width})
    tab.restart(extra=True, filter="ppo")
    canvas = tab.canvas("Cosines")
    (answer,) = tab.ask("overview", run=PPO, points=200)["settings"]
    names = [line["name"] for line in answer["cosine"]]
    assert len(names) == 16  # 3 pairs of objectives, and what each has with the other rows
    root = ElementTree.fromstring(tab.save(canvas, "SVG")[1])
    places = {node.text: float(node.get("y")) for node in root.iter(f"{SVG}text")}
    assert set(names) <= set(places)
    assert places["−1"] - max(places[name] for name in names) >= 100
    tab.page.set_viewport_size(SIZE)


@pytest.mark.parametrize(
    ("title", "key"),
    [("Norms of the rows", "norm"), ("Cosines", "cosine"), ("Conflict", "conflict"), ("Share", "share")],
)
def test_the_csv_of_a_chart_has_the_routes_numbers(tab, title, key):
    tab.restart(filter=PPO)
    name, content = tab.save(tab.canvas(title), "CSV")
    header, *rows = rows_of(content)
    assert name.endswith(".csv")
    (answer,) = tab.ask("overview", run=PPO, points=200)["settings"]
    shown = [line for line in answer[key] if not line.get("extra")]
    assert header == ["step", *(line["name"] for line in shown)]
    columns = list(zip(*rows, strict=True))
    assert [int(step) for step in columns[0]] == answer["steps"]
    for column, line in zip(columns[1:], shown, strict=True):
        assert [float(x) for x in column] == line["values"]


def test_the_csv_of_the_heatmap_has_the_routes_numbers(tab):
    tab.view("layers")
    header, *rows = rows_of(tab.save(tab.canvas("Layers × time"), "CSV")[1])
    answer = tab.ask("layers", run=A2C, quantity="cosine", a="policy", b="value", points=300)
    assert header == ["layer", *map(str, answer["steps"])]
    assert [row[0] for row in rows] == answer["layers"]
    assert [[float(x) for x in row[1:]] for row in rows] == answer["values"]


def test_the_csv_of_the_matrix_and_of_the_arrows_has_the_routes_numbers(tab):
    tab.view("moment")
    tab.choose("layer", "torso/dense_1")
    (one,) = [layer for layer in tab.ask("moment", run=A2C)["layers"] if layer["name"] == "torso/dense_1"]
    header, *rows = rows_of(tab.save(tab.canvas("Cosines of the rows"), "CSV")[1])
    assert header == ["", "policy", "value", "entropy", "combined", "clipped", "−applied"]
    assert [[float(x) for x in row[1:]] for row in rows] == one["cosines"]
    header, *rows = rows_of(tab.save(tab.canvas("Rows as arrows"), "CSV")[1])
    assert header == ["row", "x", "y", "norm", "fraction in the plane"]
    for name, x, y, length, inside in rows:
        i = ["policy", "value", "entropy", "combined", "clipped", "−applied"].index(name)
        assert [float(x), float(y), float(inside)] == pytest.approx(one["plane"][i], rel=1e-12)
        assert float(length) == one["norms"][i]


def test_the_csv_of_the_runs_has_a_band_where_there_are_several_seeds(tab):
    tab.view("runs")
    header, *rows = rows_of(tab.save(tab.canvas("norm ratio"), "CSV")[1])
    of_a2c, of_hand = (
        [f"{config} (2)", f"{config} (2) (low)", f"{config} (2) (high)"] for config in ("agent=a2c", "hand")
    )
    assert header == ["step", *of_a2c, "agent=ppo (1)", *of_hand]
    assert rows[6][5:] == ["3", "2.5", "3.5"]  # twice and four times as long: their median and quartiles
    assert rows[7][5:] == ["", "", ""]  # those runs have seven moments


def test_every_download_button_has_a_name(tab):
    for view in ("overview", "layers", "moment", "runs"):
        tab.view(view)
        for figure in tab.frame.locator("main figure:visible").all():
            title = figure.locator(".title, .link").first.inner_text()
            for kind in ("PNG", "SVG", "CSV"):
                assert figure.get_by_text(kind, exact=True).get_attribute("aria-label") == f"{title}: save as {kind}"
