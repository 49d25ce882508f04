"""TensorBoard's HParams tab on a folder of sweeps over different keys, single runs and failed runs."""

import json
import urllib.request

import pytest
from faulting.lived_in import lived_in_folder
from faulting.servers import tensorboard, until

RUNS = 60
STATUSES = ("STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING")


def post(address, question):
    """The JSON that the plugin answers."""
    request = urllib.request.Request(address, json.dumps(question).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """(experiment, {run: session group}), by the default loader."""
    folder = tmp_path_factory.mktemp("runs")
    lived_in_folder(folder, RUNS)
    with tensorboard(folder, runs=RUNS) as address:

        def groups(columns):
            question = {"allowedStatuses": STATUSES, "colParams": columns, "startIndex": 0, "sliceSize": 10 * RUNS}
            return post(f"{address}/data/plugin/hparams/session_groups", question).get("sessionGroups", [])

        until(lambda: len(groups([])) >= RUNS, "TensorBoard did not read every run")
        experiment = post(f"{address}/data/plugin/hparams/experiment", {})
        columns = [{"hparam": info["name"]} for info in experiment["hparamInfos"]]
        return experiment, {group["name"]: group for group in groups(columns)}


def test_every_run_is_a_row_of_its_own(answers):
    _, groups = answers
    assert len(groups) == RUNS
    assert all(len(group["sessions"]) == 1 for group in groups.values())


def test_every_key_that_varies_has_a_column_with_a_value_of_one_type_in_every_run(answers):
    experiment, groups = answers
    columns = {info["name"]: info for info in experiment["hparamInfos"]}
    for key in ("combiner", "optimizer.learning_rate", "agent.gamma", "environment", "network.shared", "seed"):
        assert columns[key]["differs"], key
        assert len({type(group["hparams"][key]) for group in groups.values()}) == 1, key
    for name, group in groups.items():
        assert "" not in group["hparams"].values(), name
        for key, value in group["hparams"].items():
            of_type = {"DATA_TYPE_STRING": str, "DATA_TYPE_BOOL": bool, "DATA_TYPE_FLOAT64": float | int}
            assert isinstance(value, of_type[columns[key]["type"]]), (name, key, value)


def test_columns_that_differ_stand_first(answers):
    differs = [info.get("differs", False) for info in answers[0]["hparamInfos"]]
    assert differs == sorted(differs, reverse=True)


def test_values_are_those_of_the_runs(answers):
    rates = {group["hparams"]["optimizer.learning_rate"] for group in answers[1].values()}
    assert rates == {1e-4, 2.5e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1.0}


def test_sessions_end(answers):
    statuses = {name: group["sessions"][0].get("status", "STATUS_UNKNOWN") for name, group in answers[1].items()}
    failed = [name for name, status in statuses.items() if status == "STATUS_FAILURE"]
    assert len(failed) == 1
    assert "learning_rate-1__" in failed[0]
    unfinished = sorted(name for name, status in statuses.items() if status == "STATUS_UNKNOWN")
    # One was interrupted, one is running, and the event file of one ends in the middle.
    keys = ("epochs", "lambda", "num_envs")
    assert [key for name in unfinished for key in keys if key in name] == list(keys)
