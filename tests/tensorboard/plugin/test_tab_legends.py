"""Which metadata is accepted as a legend, and that every accepted legend can be drawn."""

import json
import math
import re

import numpy as np
import pytest
from gramian_logs import gramians, legend
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.util import tensor_util

from rl.tensorboard.combiner_options import combiner_name, combiner_options
from rl.tensorboard.gramians import PLUGIN, TAG, Legend, gramian_summary, read_legend
from rl.tensorboard.plugin import overview, quantities, views, what_if
from rl.tensorboard.plugin.names import named
from rl.tensorboard.plugin.plain import as_json
from rl.tensorboard.plugin.source import Listing, Series


def content(of):
    (value,) = gramian_summary(np.zeros((len(of.layers), len(of.rows), len(of.rows))), of).value
    assert value.tag == TAG
    assert value.metadata.plugin_data.plugin_name == PLUGIN
    return value.metadata.plugin_data.content


@pytest.mark.parametrize(
    "of",
    [
        legend(),
        legend(layers=1, objectives=("policy", "value"), extra_rows=()),
        legend(names=["../../etc/passwd", "<img src=x onerror=alert(1)>", "日本"], combiner="somebody's"),
        legend(layers=0, names=[]),
        Legend(("a",), (0,), ("p",), (), (-0.5,), {"g": ("p",), "empty": ()}, "sum"),
        legend()._replace(changing=("value", "entropy")),
    ],
)
def test_a_legend_comes_back_from_the_metadata(of):
    assert read_legend(content(of)) == of


def test_a_legend_from_before_there_were_schedules_is_read():
    fields = {name: node for name, node in GOOD.items() if name != "changing"}
    assert read_legend(json.dumps(fields).encode()) == legend()


def test_combiners_have_the_names_of_their_configs(root):
    configs = {file.stem: file.read_text() for file in (root / "configs" / "combiner").glob("[!_]*.yaml")}
    assert "_target_" not in configs.pop("critics_only")  # another name of value_only
    assert len(configs) >= 16
    assert [option.name for option in combiner_options()] == sorted(configs)
    for name, text in configs.items():
        class_name = re.search(r"^_target_: rl\.updates\.combiners\.(\w+)$", text, re.MULTILINE)[1]
        row = re.search(r"^row: (\d)", text, re.MULTILINE)
        settings = {"scope": "layer", **({"row": int(row[1])} if row else {})}
        assert combiner_name(class_name, settings) == combiner_name(name, settings) == name
        logged = legend(combiner=class_name)._replace(settings=settings)
        assert read_legend(content(logged)).combiner == name


def test_a_class_that_several_configs_use_is_named_by_its_settings_or_not_at_all():
    for fields in ({}, {"row": 2}, {"row": []}, {"row": "0"}):
        assert combiner_name("Only", fields) == "Only"


@pytest.mark.parametrize(
    ("groups", "leads"),
    [
        ({"actor": ("policy", "entropy"), "critic": ("value",)}, ("policy", "value")),
        ({"critic": ("value",), "actor": ("entropy", "policy")}, ("value", "entropy")),
        ({"actor": ("policy",), "none": (), "critic": ("value",)}, ("policy", "value", "entropy")),
        ({"all": ("value", "policy", "entropy")}, ("policy", "value", "entropy")),
        ({"a": ("value",), "b": ("value", "policy")}, ("value", "entropy")),
        ({"critic": ("value",)}, ("value", "policy", "entropy")),  # the others belong to other updates
        ({"critic": ("policy", "value")}, ("policy", "entropy")),
    ],
)
def test_the_first_objective_of_each_group_leads(groups, leads):
    of = legend()._replace(groups=groups)
    assert of.leads == leads
    assert of.reference == "policy"


def test_settings_that_no_combiner_has_are_dropped():
    nested = {"deep": [[1]], "huge": 10**300, "inf": float("inf"), "c": 0.4, "preference": [1, 2], "scope": "layer"}
    fields = {**json.loads(content(legend())), "settings": nested}
    assert read_legend(json.dumps(fields).encode()).settings == {
        "c": 0.4,
        "preference": [1, 2],
        "scope": "layer",
    }


def test_a_gramian_comes_back_to_the_last_bit():
    of = legend(layers=3)
    (array,) = gramians(of, 1)
    array[0, 0, 0], array[1, 1, 1], array[2, 0, 1] = np.nan, np.inf, 1e-300
    (value,) = gramian_summary(array, of).value
    found = tensor_util.make_ndarray(value.tensor)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, array)


GOOD = json.loads(content(legend()))


@pytest.mark.parametrize(
    "damage",
    [
        {"layers": "ab"},
        {"layers": ["a"]},
        {"layers": ["a", "a"]},
        {"layers": ["a", 1]},
        {"layers": ["a", ["b"]]},
        {"layers": None},
        {"layers": {"a": 1, "b": 2}},
        {"sizes": [64]},
        {"sizes": [64, "128"]},
        {"sizes": [64, -1]},
        {"sizes": [64, None]},
        {"sizes": [64, float("nan")]},
        {"sizes": [64, 10**400]},
        {"objectives": []},
        {"objectives": ["policy", "value"]},
        {"objectives": ["policy", "value", "value"]},
        {"objectives": ["policy", "value", "applied"], "groups": {"actor": ["policy"]}},
        {"objectives": [1, 2, 3], "groups": {"actor": [1]}},
        {"objectives": [], "coefficients": [], "groups": {}},
        {"extra_rows": 7},
        {"extra_rows": ["combined", {}]},
        {"coefficients": [1.0, 0.5]},
        {"coefficients": [1.0, 0.5, "0.01"]},
        {"coefficients": [1.0, 0.5, float("inf")]},
        {"groups": {}},
        {"groups": {"actor": []}},
        {"groups": {"actor": "policy"}},
        {"groups": {"actor": ["polic"]}},
        {"groups": {"actor": [["policy"]]}},
        {"groups": ["policy"]},
        {"groups": None},
        {"combiner": None},
        {"combiner": ["Sum"]},
        {"sizes": [10**300, 64]},
        {"sizes": [64, 10**13]},
        {"coefficients": [1.0, 10**300, 0.01]},
        {"coefficients": [1.0, -1e13, 0.01]},
        {"layers": ["a", "b" * 201]},
        {"combiner": "c" * 201},
        {"groups": {"g" * 201: ["policy"]}},
        {"groups": {str(k): ["policy"] for k in range(65)}},
        {"extra_rows": [str(k) for k in range(62)]},
        {"layers": [str(k) for k in range(2001)], "sizes": [1] * 2001},
        {"layers": [str(k) for k in range(200)], "sizes": [1] * 200, "extra_rows": [str(k) for k in range(40)]},
        {"settings": {"a": "x" * (1 << 20)}},
        {"changing": ["polic"]},
        {"changing": "policy"},
        {"changing": None},
        *({name: ...} for name in GOOD if name != "changing"),
    ],
    ids=lambda damage: str(damage)[:50],
)
def test_a_damaged_legend_is_refused_with_a_sentence(damage):
    fields = {name: node for name, node in (GOOD | damage).items() if node is not ...}
    with pytest.raises(ValueError, match="its metadata is not a legend of Gramians"):
        read_legend(json.dumps(fields).encode())


@pytest.mark.parametrize(
    "damaged",
    [b"", b"{", b"null", b"7", b'"text"', b"[]", b"[1]", b"{}", b"\xff\xfe\x00", b"[" * 100_000, b'{"a":' * 50_000]
    + [content(legend())[:size] for size in (1, 40, -1)],
    ids=lambda damaged: str(damaged[:12]),
)
def test_metadata_that_is_no_legend_is_refused_with_a_sentence(damaged):
    with pytest.raises(ValueError, match="its metadata is not a legend of Gramians"):
        read_legend(damaged)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda node: st.lists(node, max_size=3) | st.dictionaries(st.text(max_size=5), node, max_size=3),
    max_leaves=8,
)
TEXTS = st.lists(st.sampled_from(["a", "b", "applied", "policy"]), max_size=3)
NUMBERS = st.lists(st.integers(-1, 9) | st.floats() | st.sampled_from([10**300, 10**12, 2**63]), max_size=3)
LIKELY = {
    "layers": TEXTS,
    "sizes": NUMBERS,
    "objectives": TEXTS,
    "extra_rows": TEXTS,
    "coefficients": NUMBERS,
    "groups": st.dictionaries(st.sampled_from("gh"), TEXTS, max_size=2),
    "combiner": st.sampled_from(["Sum", "PCGrad", "Only"]),
    "settings": st.dictionaries(st.sampled_from(["c", "row", "beta"]), JSON, max_size=2),
}


@settings(max_examples=500, deadline=None, derandomize=True)
@given(
    st.one_of(
        st.binary(max_size=50),
        JSON.map(lambda node: json.dumps(node).encode()),
        st.fixed_dictionaries(LIKELY).map(lambda node: json.dumps(node).encode()),
        st.fixed_dictionaries({name: JSON | own for name, own in LIKELY.items()}).map(
            lambda node: json.dumps(node).encode()
        ),
    )
)
def test_every_accepted_legend_can_be_drawn(damaged):
    try:
        of = read_legend(damaged)
    except ValueError as error:
        assert str(error).startswith("its metadata is not a legend of Gramians")
        return
    as_json(views.listing("run", Listing(of, None, 1, 1.0), named(["run"])["run"]))
    if of.layers:
        some = Series(of, np.array([1000, 2000, 3000]), gramians(of, 3, width=2), 0, 0)
        as_json([overview.setting({"run": some, "twin": some}, {}, 2), views.moment(some, math.inf)])
        for quantity in quantities.QUANTITIES:
            a, b = of.objectives[0], of.rows[-1]
            as_json(views.layers(some, quantity, a, b, 2))
            as_json(views.folded({"setting": {"run": some}}, quantity, a, b, 2))
        assert what_if.assignment(of).shape == (len(of.groups), len(of.objectives))
