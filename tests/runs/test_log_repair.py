"""A log that was damaged is mended from what is left of it, and what is lost is said."""

import numpy as np
import pytest

from rl.runs.log_repair import Rates, repair
from rl.runs.metrics_file import MetricsFile, read_metrics
from rl.tensorboard import event_files
from rl.tensorboard.writer import Writer

SIZE, ITERATIONS = 64, 12
TAGS = ("episode/return", "objective/value", "evaluation/return")


def row(step):
    """The numbers of an iteration, float32 as they are in training; an evaluation every fourth iteration."""
    random = np.random.default_rng(step)
    first, second, third = random.normal(size=3).astype(np.float32).tolist()
    return dict(zip(TAGS, (first, second, third if step % (4 * SIZE) == 0 else np.nan), strict=True))


def means(rows):
    found = {tag: [numbers[tag] for numbers in rows if not np.isnan(numbers[tag])] for tag in TAGS}
    return {tag: float(np.mean(numbers)) if numbers else np.nan for tag, numbers in found.items()}


class Log:
    """The log of a run up to an iteration, and the meta of its checkpoint there."""

    def __init__(self, folder, every=1):
        self.folder, self.every, writer = folder, every, Writer(folder)
        file = MetricsFile(folder / "metrics.csv")
        writer.begin("a: 1\n", {"seed": 3.0})
        for iteration in range(1, ITERATIONS + 1):
            step = iteration * SIZE
            file.append([step], {tag: [number] for tag, number in row(step).items()})
            if iteration % every == 0:
                writer.scalars(means([row(step - back * SIZE) for back in reversed(range(every))]), step)
            if iteration % 3 == 0:
                writer.histograms({"weights/w": np.arange(4.0)}, step)
        writer.close()
        self.checksum = file.checksum
        self.metrics, (self.events,) = folder / "metrics.csv", folder.glob("events*")
        self.good = self.state()

    def state(self):
        return self.metrics.read_bytes(), event_files.scalars(self.folder)

    def meta(self, **more):
        logged = {"scalars": ITERATIONS // self.every, "histograms": ITERATIONS // 3}
        usual = {"steps": SIZE * ITERATIONS, "format_version": 3, "waiting": None, "since_log": []}
        return usual | {"columns": list(TAGS), "logged": logged} | more

    def repair(self, *, due=False, **meta):
        rates = Rates(SIZE, self.every, SIZE * 20)
        file = MetricsFile(self.metrics)
        return repair(self.folder, file, self.meta(**meta), rates, combine=means, evaluation_due=due)


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path)


def test_a_sound_log_is_left_as_it_is(log):
    before = (log.metrics.stat().st_mtime_ns, log.events.stat().st_mtime_ns)
    found = log.repair()
    assert (found.rebuilt, found.lost, found.counts["scalars"]) == ([], [], ITERATIONS)
    assert (log.metrics.stat().st_mtime_ns, log.events.stat().st_mtime_ns) == before


def test_a_digit_that_was_changed_is_told_by_the_checksum(log):
    logged = {**log.meta()["logged"], "checksum": log.checksum}
    assert log.repair(logged=logged).lost == []
    data = log.metrics.read_bytes()
    place = max(place for place, byte in enumerate(data) if byte in b"12345678")
    log.metrics.write_bytes(data[:place] + bytes([data[place] + 1]) + data[place + 1 :])
    assert log.repair().lost == []  # a checkpoint of before there was a checksum
    (lost,) = log.repair(logged=logged).lost
    assert lost == f"some numbers in metrics.csv up to step {SIZE * ITERATIONS:,} are not those that were written"


def garbled(data, place):
    return data[:place] + bytes(byte ^ 0x55 for byte in data[place : place + 20]) + data[place + 20 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.unlink(),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(bytes(range(256)) * 8),
        lambda file: file.write_bytes(file.read_bytes()[:200]),
        lambda file: file.write_bytes(garbled(file.read_bytes(), 0)),
        lambda file: file.write_bytes(garbled(file.read_bytes(), 300)),
        lambda file: file.write_text(file.read_text().replace("\n128,", "\n128,x")),
        lambda file: file.write_text("".join(file.read_text().splitlines(keepends=True)[::-1])),
    ],
    ids=["removed", "empty", "binary", "cut", "header garbled", "garbled", "one cell", "upside down"],
)
def test_rows_come_back_from_points_of_one_iteration(log, damage):
    damage(log.metrics)
    found = log.repair()
    assert log.state() == log.good
    assert found.lost == []


def test_rows_that_no_point_stands_for_alone_are_said_to_be_lost(tmp_path):
    log = Log(tmp_path, every=2)
    log.metrics.write_text("".join(log.metrics.read_text().splitlines(keepends=True)[:4]))
    found = log.repair()
    assert found.lost == ["9 of 12 rows of metrics.csv up to step 768 are lost"]
    assert read_metrics(log.metrics)["step"].tolist() == [64, 128, 192]
    assert log.state()[1] == log.good[1]


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("damage", ["removed", "cut", "garbled"])
def test_points_come_back_from_rows_and_the_rest_is_said_to_be_lost(tmp_path, every, damage):
    log = Log(tmp_path, every)
    data = log.events.read_bytes()
    if damage == "removed":
        log.events.unlink()
    else:
        log.events.write_bytes(data[: len(data) // 2] if damage == "cut" else garbled(data, len(data) // 2))
    found = log.repair()
    metrics, points = log.state()
    assert metrics == log.good[0]
    assert points.keys() == log.good[1].keys()
    for step, numbers in log.good[1].items():
        # Nine digits of a float32 are that float32; a mean of three may round to its neighbour.
        assert points[step] == (pytest.approx(numbers, rel=2e-7) if every > 1 else numbers)
    if damage == "removed":
        assert found.lost == ["4 of 4 sets of histograms up to step 768 are lost"]
        assert "config" not in found.tags
    steps = [event.step for event in event_files.read_events(tmp_path)]
    assert steps == sorted(steps)


def test_past_a_garbled_record_the_rest_is_read(log):
    data = log.events.read_bytes()
    place = data.index(b"objective/value", len(data) // 2)
    log.events.write_bytes(garbled(data, place))
    assert len(event_files.scalars(log.folder)) == ITERATIONS - 1
    found = log.repair()
    assert (found.counts["scalars"], found.counts["histograms"]) == (ITERATIONS, ITERATIONS // 3)
    assert found.rebuilt == ["1 of 12 points in TensorBoard were missing or damaged, and were rebuilt from metrics.csv"]


def test_a_crash_while_points_are_put_back_leaves_none_twice(log):
    (log.folder / f"{log.events.name}.1").write_bytes(log.events.read_bytes())
    log.repair()
    assert log.state() == log.good


def test_both_damaged_at_the_same_steps_are_lost_and_said(log):
    log.metrics.unlink()
    log.events.unlink()
    found = log.repair()
    assert found.lost == [
        "12 of 12 rows of metrics.csv up to step 768 are lost",
        "12 of 12 points in TensorBoard up to step 768 are lost",
        "4 of 4 sets of histograms up to step 768 are lost",
    ]


def test_what_came_after_the_checkpoint_goes_and_is_no_damage(log):
    half = {"scalars": ITERATIONS // 2, "histograms": ITERATIONS // 6}
    found = log.repair(steps=SIZE * ITERATIONS // 2, logged=half)
    assert (found.rebuilt, found.lost) == ([], [])
    assert read_metrics(log.metrics)["step"].tolist() == [SIZE * n for n in range(1, 7)]
    assert list(event_files.scalars(log.folder)) == [SIZE * n for n in range(1, 7)]


def test_a_row_that_waits_for_its_evaluation_is_in_neither_file(log):
    last = SIZE * ITERATIONS
    logged = {"scalars": ITERATIONS - 1, "histograms": ITERATIONS // 3}
    found = log.repair(due=True, waiting=row(last), logged=logged)
    assert found.waiting == row(last)
    assert (found.rebuilt, found.lost) == ([], [])
    assert read_metrics(log.metrics)["step"][-1] == last - SIZE
    assert max(event_files.scalars(log.folder)) == last - SIZE
    assert found.counts["histograms"] == ITERATIONS // 3  # the last ones stand at that very step


def test_format_2_tells_by_the_row_that_its_evaluation_was_cut_off(tmp_path):
    log = Log(tmp_path, every=5)
    last = 11 * SIZE  # a row without an evaluation; its point stands for the iterations from the eleventh on
    found = log.repair(due=True, steps=last, format_version=2, columns=None, logged=None)
    assert found.waiting == pytest.approx(row(last), nan_ok=True)
    assert found.since_point == []
    assert read_metrics(log.metrics)["step"][-1] == 10 * SIZE


def test_format_2_with_its_evaluation_waits_for_nothing(log):
    found = log.repair(due=True, steps=8 * SIZE, format_version=2, columns=None, logged=None)
    assert found.waiting is None
    assert read_metrics(log.metrics)["step"][-1] == 8 * SIZE


def test_format_2_does_not_say_how_many_there_were_but_damage_is_said(log):
    data = log.events.read_bytes()
    log.events.write_bytes(data[:-3])  # as a crash leaves it
    assert log.repair(logged=None, format_version=2).lost == []
    log.events.write_bytes(garbled(data, len(data) // 2))
    assert log.repair(logged=None, format_version=2).lost == [
        "Gramians and histograms up to step 768 are lost, or a part of them"
    ]
