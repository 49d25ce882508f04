"""Damaged runs and invalid requests: every answer is JSON, and a damaged run does not affect the others."""

import json
from urllib.parse import urlencode

import pytest
from faulting.damaged_gramians import LEGENDS, STEPS, TENSORS, write_damaged_runs
from faulting.requests import PREFIX, Answer, Asked, campaign, fault
from sources import Folder
from tensorboard.plugins.base_plugin import TBContext
from werkzeug.test import Client
from werkzeug.wrappers import Response

from rl.tensorboard.plugin.plugin import GradientsPlugin

KINDS = len(LEGENDS) + len(TENSORS) + len(STEPS)


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Asks the plugin, within this process, about a run with each damage."""
    folder = tmp_path_factory.mktemp("damaged")
    write_damaged_runs(folder, count=KINDS)
    plugin = GradientsPlugin(TBContext(data_provider=Folder(folder).provider))
    apps = plugin.get_plugin_apps()

    def asked(request):
        route, _, query = request.path.removeprefix(PREFIX).partition("?")
        if route not in apps:
            return Answer(404, "", b"")
        answer = Client(apps[route], Response).open(route, query_string=query, method=request.method)
        return Answer(answer.status_code, answer.content_type or "", answer.data)

    return asked


def numbers(ask, route, **arguments):
    answer = ask(Asked("GET", f"{PREFIX}/{route}?{urlencode(arguments, doseq=True)}"))
    assert answer.status == 200, answer.content
    return json.loads(answer.content)


def test_a_short_campaign(ask):
    outcome = campaign(ask, count=80)
    assert outcome.failures == []
    assert outcome.survived == outcome.tried == 80


def test_an_invalid_answer_is_a_fault():
    get = Asked("GET", f"{PREFIX}/runs")
    assert fault(get, Answer(200, "application/json", b"{}")) is None
    assert fault(get, Answer(500, "application/json", b"{}")) == "status 500"
    assert "NaN" in fault(get, Answer(200, "application/json", b"[NaN]"))
    assert fault(get, Answer(200, "text/html", b"{}")) == "content type 'text/html'"
    assert fault(get, Answer(400, "application/json", b'{"error": "no"}')).startswith("no sentence")
    assert fault(get._replace(method="POST"), Answer(200, "application/json", b"{}")) == "status 200"


def test_the_good_runs_are_drawn_beside_every_damaged_one(ask):
    runs = [of["run"] for of in numbers(ask, "runs")["runs"]]
    assert len(runs) == KINDS + 2
    (alone,) = numbers(ask, "overview", run=["good__seed-0", "good__seed-1"])["settings"]
    beside = {one["config"]: one for one in numbers(ask, "overview", run=runs)["settings"]}
    assert beside["good"] == alone
    assert alone["problems"] == []
    problems = {config: one["problems"] for config, one in beside.items() if one["problems"]}
    assert problems["huge_size"][0]["problem"] == (
        "its metadata is not a legend of Gramians: a layer has more than 1000000000000 weights"
    )
    assert problems["undecodable"][0]["problem"] == "a tensor of its event file does not decode"
    assert set(problems) <= {*LEGENDS, "undecodable"}
    assert not {"old_name", "deep_settings", "huge_settings", "wrong_settings", "markup"} & set(problems)
    (folded, *_) = [
        g for g in numbers(ask, "folded", run=runs, quantity="norm", a="value")["groups"] if g["config"] == "good"
    ]
    assert folded["runs"] == ["good__seed-0", "good__seed-1"]


def test_steps_that_a_browser_cannot_represent_are_left_out(ask):
    (one,) = numbers(ask, "overview", run=f"greatest_steps__seed-{KINDS - 3}")["settings"]
    assert (one["steps"], one["left_out"]) == ([2**53], 4)
    (one,) = numbers(ask, "overview", run=f"negative_steps__seed-{KINDS - 4}")["settings"]
    assert (one["steps"], one["left_out"]) == ([0, 1], 3)
