"""The tab's routes in a real TensorBoard, with either of its loaders, on good runs and on damaged ones."""

import http.client
import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import quote, urlencode, urlsplit

import numpy as np
import pytest
from faulting.servers import get, tensorboard, until
from gramian_logs import gramians, legend, write_run, write_summaries
from tensorboard.util import tensor_util

from rl.config_files import CONFIGS
from rl.tensorboard.gramians import gramian_summary
from rl.tensorboard.plugin import overview, views
from rl.tensorboard.plugin.names import named
from rl.tensorboard.plugin.plain import as_json
from rl.tensorboard.plugin.source import AGAINST_STEP, Series

LOADERS = ("--load_fast=true", "--load_fast=false")
ONCE = ("--reload_interval", "0")  # the runs do not change, so TensorBoard need not look again
HOSTILE = "<img src=x onerror=alert(1)>"
MORE_ROWS = ("combined", "clipped", "applied", "stale/behaviour/policy", "through_target")

STUDY = legend(extra_rows=MORE_ROWS)
OTHER = legend(layers=5, objectives=("policy", "value"))
LONG = legend(layers=30, objectives=("policy", "value"), extra_rows=("combined",))
STRANGE = legend(names=["../../etc/passwd", HOSTILE], objectives=("policy", HOSTILE), extra_rows=('"combined"',))
SEEDS = ("study/combiner=pcgrad,seed=0", "study/combiner=pcgrad,seed=1")
STRANGE_RUN = f"it's \"{HOSTILE}&run=.."
GOOD = {
    SEEDS[0]: (STUDY, gramians(STUDY, 300, seed=0)),
    SEEDS[1]: (STUDY, gramians(STUDY, 300, seed=1)),
    "other/seed=0": (OTHER, gramians(OTHER, 40)),
    "long": (LONG, gramians(LONG, 1500)),
    STRANGE_RUN: (STRANGE, gramians(STRANGE, 3)),
}
BROKEN = gramians(OTHER, 6)
BROKEN[1, 0, 0, 0], BROKEN[2], BROKEN[3, 4, 1, 2] = np.nan, np.inf, -np.inf
PROBLEMS = {
    "separate": "its network shares no weights, so there are no rows to compare (network.shared=false)",
    "separate,shape": "its network shares no weights, so there are no rows to compare (network.shared=false)",
    "damaged": "its metadata is not a legend of Gramians (JSONDecodeError)",
    "unfit": "its metadata is not a legend of Gramians: its lists contradict one another",
}
MISSHAPEN, PARTLY, CUT = "misshapen", "partly", "cut"
EVERY = [*GOOD, *PROBLEMS, "broken", MISSHAPEN, PARTLY, CUT]
COMBINERS = {file.stem for file in (CONFIGS / "combiner").glob("[!_]*.yaml")} - {"critics_only"}  # that is value_only


def with_content(of, content):
    """Three summaries with other metadata."""
    summaries = [gramian_summary(array, of) for array in gramians(of, 3)]
    for summary in summaries:
        summary.value[0].metadata.plugin_data.content = content
    return summaries


def with_tensors(of, arrays):
    """Summaries with valid metadata and tensors that are no Gramians."""
    summaries = [gramian_summary(array, of) for array in gramians(of, len(arrays))]
    for summary, array in zip(summaries, arrays, strict=True):
        if array is not None:
            summary.value[0].tensor.CopyFrom(tensor_util.make_tensor_proto(array))
    return summaries


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    folder, none, small = tmp_path_factory.mktemp("logs"), legend(layers=0), legend()
    for run, (of, arrays) in GOOD.items():
        write_run(folder / run, of, arrays, returns=900 if run == "long" else 0)
    write_run(folder / "broken", OTHER, BROKEN)
    write_run(folder / "separate", none, np.zeros((3, 0, 0, 0)))
    write_run(folder / "separate,shape", none, np.zeros((3, 0, 6, 6)))
    write_summaries(folder / "damaged", with_content(small, b'{"layers": ["a"'))
    fields = json.dumps(small._replace(sizes=(1,))._asdict())
    write_summaries(folder / "unfit", with_content(small, fields.encode()))
    others = [np.eye(6), np.zeros((3, 6, 6)), np.zeros((2, 6, 5)), np.float64(1.0)]
    write_summaries(folder / MISSHAPEN, with_tensors(small, others))
    texts = np.full((2, 6, 6), "text", object)
    write_summaries(folder / PARTLY, with_tensors(small, [None, others[0], None, texts, None]))
    write_run(folder / CUT, small, gramians(small, 5))
    (file,) = (folder / CUT).iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    return folder


@pytest.fixture(scope="module")
def servers(logs, tmp_path_factory):
    """{(loader, whether it has runs): address}."""
    asked = [(loader, full) for loader in LOADERS for full in (True, False)]
    empty = tmp_path_factory.mktemp("empty")

    def started(loader, full):
        return tensorboard(logs if full else empty, loader, *ONCE, runs=len(EVERY) if full else 0)

    with ExitStack() as stack, ThreadPoolExecutor() as threads:
        # All at once, since a TensorBoard takes seconds to start.
        addresses = threads.map(lambda one: stack.enter_context(started(*one)), asked)
        found = dict(zip(asked, addresses, strict=True))
        last = {run: 1000 * len(arrays) for run, (_, arrays) in GOOD.items()}
        for loader in LOADERS:
            until(lambda loader=loader: last.items() <= steps(found[loader, True]).items(), "not all was read")
        yield found


def steps(address):
    """{run: the last step that TensorBoard has read}."""
    return {listed["run"]: listed["max_step"] for listed in get(f"{address}/data/plugin/gradients/runs")["runs"]}


@pytest.fixture(params=LOADERS)
def address(request, servers):
    return servers[request.param, True]


def raw(address, path, method="GET"):
    """(status, headers, content) of a path that is sent unchanged, with its dots."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.request(method, path)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


def path(route, **arguments):
    return f"/data/plugin/gradients/{route}?{urlencode(arguments, doseq=True, quote_via=quote)}"


def ask(address, route, **arguments):
    """The content of an answer with status 200."""
    status, headers, content = raw(address, path(route, **arguments))
    assert status == 200, content
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert b"NaN" not in content
    assert b"Infinity" not in content
    return json.loads(content)


def refused(address, route, **arguments):
    """The sentence of an answer with status 400."""
    status, headers, content = raw(address, path(route, **arguments))
    assert status == 400, content
    assert headers["Content-Type"] == "application/json"
    (kind, sentence), *more = json.loads(content).items()
    assert (kind, more) == ("error", [])
    assert sentence.endswith(".")
    return sentence


def series(run):
    """A good run as the tab shows it, with the applied step negated and renamed."""
    of, arrays = GOOD[run]
    sign = np.array([-1.0 if row == "applied" else 1.0 for row in of.rows])
    names = tuple(AGAINST_STEP if row == "applied" else row for row in of.extra_rows)
    numbers = 1000 * np.arange(1, len(arrays) + 1)
    return Series(of._replace(extra_rows=names), numbers, arrays * np.outer(sign, sign), 0, 0)


def as_sent(answer):
    return json.loads(as_json(answer))


def test_every_run_is_listed_with_its_legend_or_its_problem(address):
    answer = ask(address, "runs")
    listed = {one["run"]: one for one in answer["runs"]}
    assert sorted(listed) == [one["run"] for one in answer["runs"]] == sorted(EVERY)
    assert {run: one["problem"] for run, one in listed.items() if one["problem"]} == PROBLEMS
    for run, (of, arrays) in GOOD.items():
        found = listed[run]["legend"]
        assert found["layers"] == len(of.layers)
        assert found["sizes"] == sum(of.sizes)
        assert found["objectives"] == list(of.objectives)
        assert found["extra_rows"] == [AGAINST_STEP if row == "applied" else row for row in of.extra_rows]
        assert found["coefficients"] == list(of.coefficients)
        assert found["groups"] == {group: list(names) for group, names in of.groups.items()}
        assert listed[run]["max_step"] == 1000 * len(arrays)
    assert [(listed[run]["config"], listed[run]["seed"]) for run in (*SEEDS, "other/seed=0")] == [
        ("study/combiner=pcgrad", 0),
        ("study/combiner=pcgrad", 1),
        ("other", 0),
    ]
    assert listed["separate"]["legend"]["layers"] == 0
    assert listed["damaged"]["legend"] is None


QUERIES = [
    ("runs", {}),
    ("overview", {"run": EVERY}),
    ("overview", {"run": SEEDS, "points": 7}),
    ("layers", {"run": SEEDS[0], "quantity": "cosine", "a": "policy", "b": AGAINST_STEP}),
    ("layers", {"run": "broken", "quantity": "conflict", "a": "policy", "b": "value"}),
    ("layers", {"run": STRANGE_RUN, "quantity": "ratio", "a": HOSTILE, "b": '"combined"', "points": 2}),
    ("moment", {"run": SEEDS[1], "step": 150_400}),
    ("moment", {"run": "broken", "step": 3000}),
    ("whatif", {"run": SEEDS[0], "step": 7000}),
    ("whatif", {"run": SEEDS[0], "scope": "layer"}),
    ("folded", {"run": EVERY, "quantity": "norm", "a": "value"}),
]


@pytest.mark.parametrize(("route", "arguments"), QUERIES, ids=lambda part: str(part)[:60])
def test_both_loaders_give_the_same_answer(servers, route, arguments):
    one, other = (ask(servers[loader, True], route, **arguments) for loader in LOADERS)
    assert one == other


@pytest.mark.parametrize("points", [2, 300, 1000])
def test_the_overview_is_computed_from_what_was_written(address, points):
    answer = ask(address, "overview", run=[STRANGE_RUN, *SEEDS, SEEDS[0]], points=points)
    expected = [
        {"config": named(runs)[runs[0]].config, "runs": runs, "problems": []}
        | overview.setting({run: series(run) for run in runs}, {}, points)
        for runs in ([STRANGE_RUN], list(SEEDS))  # each once, in the order of the request
    ]
    assert answer == {"settings": as_sent(expected)}


def test_the_return_is_read_from_the_runs_scalars(address):
    (one,) = ask(address, "overview", run="long", points=100)["settings"]
    steps = 9_000 * np.arange(1, 101)
    assert [curve["name"] for curve in one["returns"]] == ["episode/return"]
    assert one["returns"][0]["steps"] == steps.tolist()
    np.testing.assert_allclose(one["returns"][0]["values"], (steps - 4000) / 1000)  # medians of 9 neighbours


def test_the_applied_step_is_negated(address):
    """It was written as −0.01 (policy + value), so that −Δw has the cosine of that sum with the value's row."""
    answer = ask(address, "overview", run=SEEDS[0], points=1000)["settings"][0]
    (line,) = [line for line in answer["cosine"] if line["name"] == f"value · {AGAINST_STEP}"]
    matrix = GOOD[SEEDS[0]][1].sum(1)
    along = matrix[:, 1, 0] + matrix[:, 1, 1]
    length = np.sqrt(matrix[:, 0, 0] + 2 * matrix[:, 0, 1] + matrix[:, 1, 1])
    np.testing.assert_allclose(line["values"], along / length / np.sqrt(matrix[:, 1, 1]), rtol=1e-5)  # six digits
    (share,) = [line["values"] for line in answer["share"] if line["name"] == "value"]
    assert max(share) < 0


def test_all_moments_of_a_run_are_kept(address):
    (one,) = ask(address, "overview", run=SEEDS, points=1000)["settings"]
    assert one["moments"] == 2 * 300
    assert one["steps"] == list(range(1000, 300_001, 1000))
    assert ask(address, "overview", run="long")["settings"][0]["moments"] == 1500


def test_answers_are_bounded(address):
    answer = ask(address, "layers", run="long", quantity="cosine", a="policy", b="value", points=300)
    assert (answer["moments"], answer["moments_per_point"]) == (1500, 5)
    assert len(answer["steps"]) == 300
    assert np.shape(answer["values"]) == (30, 300)
    assert answer["steps"][-1] == 1_500_000
    arrays = GOOD["long"][1]
    cosines = arrays[:, :, 0, 1] / np.sqrt(arrays[:, :, 0, 0] * arrays[:, :, 1, 1])
    expected = np.median(cosines.reshape(300, 5, 30), 1).T
    np.testing.assert_allclose(answer["values"], expected, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("quantity", ["norm", "ratio", "cosine", "share", "conflict"])
def test_layers_and_folded_runs_are_computed_from_what_was_written(address, quantity):
    two = {"b": AGAINST_STEP} if quantity in ("ratio", "cosine", "conflict") else {}
    answer = ask(address, "layers", run=SEEDS[0], quantity=quantity, a="value", points=50, **two)
    expected = views.layers(series(SEEDS[0]), quantity, "value", two.get("b", ""), 50)
    assert answer == as_sent({"run": SEEDS[0], **expected})
    answer = ask(address, "folded", run=[*SEEDS, "other/seed=0", "separate"], quantity=quantity, a="value", **two)
    settings = {
        "study/combiner=pcgrad": {run: series(run) for run in SEEDS},
        "other": {"other/seed=0": series("other/seed=0")},
    }
    assert answer == {"groups": as_sent(views.folded(settings, quantity, "value", two.get("b", ""), 300))}
    assert [(group["config"], len(group["runs"])) for group in answer["groups"]] == [
        ("study/combiner=pcgrad", 2),
        ("other", 1),
    ]


@pytest.mark.parametrize("step", [0, 1000, 150_400, 10**17, None])
def test_a_moment_is_computed_from_what_was_written(address, step):
    given = {} if step is None else {"step": step}
    answer = ask(address, "moment", run=SEEDS[1], **given)
    expected = views.moment(series(SEEDS[1]), np.inf if step is None else step)
    assert answer == as_sent({"run": SEEDS[1], **expected})


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_every_combiner_answers_what_if(address, scope):
    answer = ask(address, "whatif", run=SEEDS[0], step=7000, scope=scope)
    found = {one["name"]: one for one in answer["combiners"]}
    assert set(found) == COMBINERS
    assert (answer["run"], answer["step"], answer["scope"]) == (SEEDS[0], 7000, scope)
    assert (answer["groups"], answer["rows"]) == (["actor", "critic"], list(series(SEEDS[0]).legend.rows))
    assert found["sum"]["row_weights"] == [1, 1]
    assert found["sum"]["own"]
    np.testing.assert_allclose(found["mean"]["length"], found["sum"]["length"] / 2, rtol=1e-5)
    for one in found.values():
        assert len(one["cosines"]) == len(STUDY.rows)
        assert len(one["hurts"]) == 3
        assert (None in one["arrow"]) == (scope == "layer")
    for name in ("upgrad", "dual_proj", "mgda"):
        assert found[name]["hurts_groups"] == [0, 0]


def test_concurrent_requests_get_the_same_answer(address):
    with ThreadPoolExecutor(6) as threads:
        asked = [threads.submit(ask, address, "whatif", run="other/seed=0", step=9000) for _ in range(6)]
        first, *others = [one.result() for one in asked]
    assert all(other == first for other in others)
    assert first["step"] == 9000


def test_numbers_that_are_not_finite_leave_gaps(address):
    (answer,) = ask(address, "overview", run="broken")["settings"]
    assert (answer["moments"], answer["broken"], answer["left_out"]) == (6, 3, 0)
    (policy,) = [line["values"] for line in answer["norm"] if line["name"] == "policy"]
    assert [x is None for x in policy] == [False, True, True, False, False, False]
    (cosine,) = [line["values"] for line in answer["cosine"] if line["name"] == "policy · value"]
    assert [x is None for x in cosine] == [False, True, True, False, False, False]
    assert [ask(address, "moment", run="broken", step=1000 * k)["broken"] for k in range(1, 7)] == [
        *(False, True, True, True, False, False)
    ]
    answer = ask(address, "whatif", run="broken", step=2000)
    assert {one["name"] for one in answer["combiners"]} == COMBINERS


def test_tensors_of_another_shape_or_kind_are_left_out(address):
    (partly,) = ask(address, "overview", run=PARTLY)["settings"]
    assert (partly["moments"], partly["left_out"], partly["steps"]) == (3, 2, [1000, 3000, 5000])
    (none,) = ask(address, "overview", run=MISSHAPEN)["settings"]
    assert (none["moments"], none["left_out"], none["steps"]) == (0, 4, [])
    for route in ("moment", "whatif"):
        assert refused(address, route, run=MISSHAPEN) == (
            f"run {MISSHAPEN!r} has no Gramian of the shape that its legend gives."
        )
    (group,) = ask(address, "folded", run=MISSHAPEN, quantity="norm", a="policy")["groups"]
    assert group["left_out"] == [MISSHAPEN]


def test_of_a_truncated_file_the_records_before_the_end_are_read(address):
    (answer,) = ask(address, "overview", run=CUT)["settings"]
    assert answer["steps"] == [1000, 2000, 3000, 4000]


def test_names_are_returned_unchanged(address):
    answer = ask(address, "moment", run=STRANGE_RUN)
    assert answer["run"] == STRANGE_RUN
    assert answer["rows"] == ["policy", HOSTILE, '"combined"']
    assert [layer["name"] for layer in answer["layers"]] == ["../../etc/passwd", HOSTILE]


ONE = {"run": SEEDS[0]}
PAIR = {**ONE, "quantity": "cosine", "a": "policy", "b": "value"}
NORM = {"run": SEEDS, "quantity": "norm", "a": "policy"}
BAD = [
    ("overview", {}, "no run is named: add run=<name>, once or more often."),
    ("overview", {"run": "nobody"}, "run 'nobody' is unknown, or has no Gramians."),
    ("overview", {"run": [SEEDS[0], "../study"]}, "run '../study' is unknown, or has no Gramians."),
    ("overview", {"run": ""}, "run '' is unknown, or has no Gramians."),
    *(
        (route, {**arguments, "points": points}, f"points is {points!r}; it must be a whole number from 2 to 1000.")
        for route, arguments in (("overview", ONE), ("layers", PAIR), ("folded", NORM))
        for points in ("many", "1001", "1", "0", "-3", "1e2", "", "٣٠٠", "9" * 50)
    ),
    *((route, {}, "run is given 0 times; it is needed once.") for route in ("layers", "moment", "whatif")),
    *((route, {"run": SEEDS}, "run is given 2 times; it is needed once.") for route in ("layers", "moment", "whatif")),
    *(
        (route, {**PAIR, "run": run}, f"run {run!r} cannot be drawn: {problem}.")
        for route in ("layers", "moment", "whatif")
        for run, problem in PROBLEMS.items()
    ),
    *(
        (route, {**ONE, "step": step}, f"step is {step!r}; it must be a whole number from 0 on.")
        for route in ("moment", "whatif")
        for step in ("-1", "first", "1.5", "NaN", "", "9" * 19)
    ),
    *(("whatif", {**ONE, "scope": x}, f"scope is {x!r}; allowed are 'global' and 'layer'.") for x in ("both", "")),
    *(
        (route, {**PAIR, "quantity": "angle"}, "quantity is 'angle'; allowed are norm, ratio, cosine, share, conflict.")
        for route in ("layers", "folded")
    ),
    ("layers", ONE, "quantity is given 0 times; it is needed once."),
    ("layers", {**ONE, "quantity": "cosine", "a": "policy"}, "b is given 0 times; it is needed once."),
    ("layers", {**PAIR, "a": ["policy", "value"]}, "a is given 2 times; it is needed once."),
    (
        "layers",
        {**PAIR, "a": "actor"},
        f"a='actor' and b='value' are not rows of run {SEEDS[0]!r} with a cosine; allowed are policy, value, entropy, "
        f"combined, clipped, {AGAINST_STEP}, stale/behaviour/policy, through_target.",
    ),
    (
        "layers",
        {**ONE, "quantity": "share", "a": "clipped"},
        f"a='clipped' are not rows of run {SEEDS[0]!r} with a share; allowed are policy, value, entropy.",
    ),
    ("folded", {"run": SEEDS}, "quantity is given 0 times; it is needed once."),
    ("folded", {"run": SEEDS, "quantity": "norm"}, "a is given 0 times; it is needed once."),
    ("folded", {"quantity": "norm", "a": "policy"}, "no run is named: add run=<name>, once or more often."),
]


@pytest.mark.parametrize(("route", "arguments", "sentence"), BAD, ids=lambda part: str(part)[:40])
def test_an_invalid_request_is_answered_with_a_sentence(address, route, arguments, sentence):
    assert refused(address, route, **arguments) == sentence


@pytest.mark.parametrize("route", ["runs", "overview", "layers", "moment", "whatif", "folded"])
def test_only_get_and_head_are_allowed(address, route):
    for method in ("POST", "PUT", "DELETE"):
        status, _, content = raw(address, path(route, **PAIR), method)
        assert status == 405
        assert json.loads(content) == {"error": f"{method} is not allowed here; use GET."}
    status, _, content = raw(address, path(route, **PAIR), "HEAD")
    assert (status, content) == (200, b"")


def test_every_file_of_the_page_is_served_with_its_type(address, root):
    types = {".js": "text/javascript", ".css": "text/css"}
    files = sorted((root / "rl" / "tensorboard" / "plugin" / "static").iterdir())
    assert {file.suffix for file in files} == set(types)
    for file in files:
        status, headers, content = raw(address, f"/data/plugin/gradients/{file.name}")
        assert (status, content) == (200, file.read_bytes())
        assert headers["Content-Type"] == f"{types[file.suffix]}; charset=utf-8"


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "/../../../../../../etc/passwd",
        "%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd",
        "..%2f..%2fplugin.py",
        "../plugin.py",
        "static/index.js",
        "index.js%00",
        "Index.js",
        "plugin.py",
        "nothing.js",
        "static",
        "",
    ],
)
def test_no_other_file_is_served(address, name):
    status, _, content = raw(address, f"/data/plugin/gradients/{name}")
    assert status == 404
    assert b"root:" not in content
    assert b"import" not in content


def test_tensorboard_shows_the_tab(address):
    listed = get(f"{address}/data/plugins_listing")["gradients"]
    assert listed["enabled"]
    assert listed["tab_name"] == "Gradients"
    assert listed["loading_mechanism"]["module_path"].endswith("/index.js")
    assert urllib.request.urlopen(address + listed["loading_mechanism"]["module_path"], timeout=30).status == 200


@pytest.mark.parametrize("loader", LOADERS)
def test_without_runs_the_tab_is_listed_and_not_enabled(servers, loader):
    address = servers[loader, False]
    assert get(f"{address}/data/plugins_listing")["gradients"]["enabled"] is False
    assert ask(address, "runs") == {"runs": []}
    assert refused(address, "overview", run="some") == "run 'some' is unknown, or has no Gramians."
