"""The fault campaign's short form, a few cases of each kind, and its book-keeping."""

import fcntl
import json
import subprocess
import sys

import pytest
from faulting.campaign import Result, Results, Setting, run, table
from faulting.kinds import KINDS


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    return Setting(tmp_path_factory.mktemp("work"), seed=0, short=True)


@pytest.mark.parametrize("name", KINDS)
def test_a_few_cases_of_each_kind(setting, name, tmp_path):
    found = run({name: KINDS[name]}, setting, Results(tmp_path / "results.jsonl"), say=print)
    assert found
    assert [(result.label, result.fault) for result in found if result.fault] == []


def test_an_environment_that_interrupts_an_evaluation_leaves_an_interrupted_run(tmp_path):
    kind = KINDS["environments"](Setting(tmp_path, seed=0, short=False))
    assert kind.fault(kind.labels.index("interrupts in evaluation, sync")) is None


class Even:
    """Cases with an even number survive."""

    labels = ["a", "b", "c"]
    tried: list[int] = []

    def __init__(self, setting):
        self.setting = setting

    def fault(self, number):
        self.tried.append(number)
        return "lost" if number % 2 else None

    def close(self):
        pass


def test_the_same_command_goes_on_and_a_line_that_was_cut_off_is_tried_again(tmp_path):
    file, setting = tmp_path / "results.jsonl", Setting(tmp_path, seed=3, short=False)
    Even.tried.clear()
    first = run({"even": Even}, setting, Results(file), say=print)
    assert [result.fault for result in first] == [None, "lost", None]
    order = list(Even.tried)
    assert sorted(order) == [0, 1, 2]
    file.write_text(file.read_text()[:-10])
    again = run({"even": Even}, setting, Results(file), say=print)
    assert [result.fault for result in again] == [None, "lost", None]
    assert Even.tried == [*order, order[-1]]
    assert len(run({"even": Even}, setting, Results(file), say=print)) == 3
    assert Even.tried == [*order, order[-1]]
    run({"even": Even}, setting, Results(file), case=1, say=print)
    run({"even": Even}, setting._replace(seed=4), Results(file), say=print)
    assert Even.tried[:5] == [*order, order[-1], 1]
    assert sorted(Even.tried[5:]) == [0, 1, 2]


def test_the_table_counts_and_tells_how_to_repeat_what_did_not_survive():
    results = [Result("even", number, "ab"[number], 3, (None, "lost")[number], 1.5) for number in range(2)]
    head, line, blank, fault, repeat = table(results, "python scripts/faults.py --seed 3").splitlines()
    assert head.split() == ["kind", "tried", "survived", "seconds"]
    assert line.split() == ["even", "2", "1", "3"]
    assert (blank, fault) == ("", "even 1, b: lost")
    assert repeat.strip() == "python scripts/faults.py --seed 3 --only even --case 1"


def test_cases_and_samples_follow_from_the_seed(tmp_path):
    one, same, other = (Setting(tmp_path, seed, short=False) for seed in (1, 1, 2))
    assert one.sample(range(100), 10, "x") == same.sample(range(100), 10, "x")
    assert one.sample(range(100), 10, "x") != other.sample(range(100), 10, "x")
    assert one.sample(range(3), 10, "x") == [0, 1, 2]


def test_the_exit_code_says_whether_anything_was_lost(root, tmp_path):
    lost = Result("requests", 0, "request 0", 0, "status 500", 0.1)
    known = [lost, *(Result("requests", k, f"request {k}", 0, None, 0.1) for k in range(1, 39))]
    known.append(Result("requests", 39, "the good runs beside all others", 0, None, 0.1))
    lines = [json.dumps(result._asdict()) for result in known]
    (tmp_path / "results.jsonl").write_text("\n".join(lines) + "\n")
    told = _campaign(root, tmp_path, "--only", "requests")
    assert told.returncode == 1, told.stderr
    assert "requests 0, request 0: status 500" in told.stdout


def test_a_folder_is_one_campaigns(root, tmp_path):
    with (tmp_path / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        refused = _campaign(root, tmp_path, "--short")
    assert refused.returncode == 2
    assert "another campaign works in" in refused.stderr


def _campaign(root, folder, *given):
    command = [sys.executable, str(root / "scripts" / "faults.py"), "--short", "--folder", str(folder), *given]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
