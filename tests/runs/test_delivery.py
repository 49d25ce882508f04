"""Loggers elsewhere get each point once, in order, and cannot stop training."""

import math

import pytest

from rl.errors import ConfigError
from rl.runs.delivery import Delivery


class Kept:
    """A logger that keeps what it gets, and fails where it is told to."""

    def __init__(self, fails=()):
        self.fails, self.points, self.sessions, self.ends = fails, [], [], []

    def start(self, session):
        if "start" in self.fails:
            raise OSError("no route to host\nand more")
        self.sessions.append(session)

    def write(self, step, scalars):
        if step in self.fails:
            raise ValueError("too many points.")
        self.points.append((step, scalars))

    def finish(self, summary):
        if "finish" in self.fails:
            raise TimeoutError
        self.ends.append(summary)


def started(folder, logger, step=0, changed=False):
    delivery = Delivery(folder, {"kept": logger})
    delivery.start("a: 1\n", {"a": 1.0}, step=step, changed=changed)
    return delivery


def test_points_come_without_nan_and_the_session_says_what_the_run_is(tmp_path):
    logger = Kept()
    delivery = started(tmp_path / "study" / "seed-0", logger)
    delivery.write(640, {"a": 1.0, "b": math.nan, "c": math.inf})
    delivery.finish({"status": "completed"})
    assert logger.points == [(640, {"a": 1.0, "c": math.inf})]
    assert logger.ends == [{"status": "completed"}]
    (session,) = logger.sessions
    assert (session.name, session.step, session.described) == ("study/seed-0", 0, False)
    assert session.folder == tmp_path / "study" / "seed-0" / "loggers" / "kept"
    assert len(session.id) == 16
    assert delivery.lost == []


def test_what_a_resumed_run_repeats_is_not_delivered_again(tmp_path):
    first, second, third = Kept(), Kept(), Kept()
    killed = started(tmp_path, first)
    for step in (640, 1280, 1920):
        killed.write(step, {"a": float(step)})
    resumed = started(tmp_path, second, step=640)  # `killed` never ended: its process was killed
    for step in (1280, 1920, 2560):
        resumed.write(step, {"a": float(step)})
    resumed.finish({})
    started(tmp_path, third, step=2560, changed=True)
    assert [step for step, _ in first.points + second.points] == [640, 1280, 1920, 2560]
    assert len({one.sessions[0].id for one in (first, second, third)}) == 1
    assert [one.sessions[0].described for one in (first, second, third)] == [False, True, False]


def test_a_logger_that_cannot_start_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"^logger.kept cannot start: no route to host \(logger.kept\).$"):
        started(tmp_path, Kept(["start"]))


def test_a_logger_that_fails_gets_nothing_more_and_is_reported(tmp_path):
    good, bad, late = Kept(), Kept([1280]), Kept(["finish"])
    delivery = Delivery(tmp_path, {"good": good, "bad": bad, "late": late})
    delivery.start("", {}, step=0, changed=False)
    for step in (640, 1280, 1920):
        delivery.write(step, {"a": 0.0})
    delivery.finish({})
    assert [step for step, _ in good.points] == [640, 1280, 1920]
    assert [step for step, _ in bad.points] == [640]
    assert delivery.lost == [
        "the log in bad ends before step 1,280: too many points",
        "the log in late has no end: TimeoutError",
    ]
    assert bad.ends == []
