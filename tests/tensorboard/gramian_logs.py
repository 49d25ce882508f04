"""Event files with Gramians in a run's format, with numbers of the test's choice."""

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from rl.tensorboard.gramians import Legend, gramian_summary

OBJECTIVES = ("policy", "value", "entropy")


def legend(
    *, layers=2, objectives=OBJECTIVES, extra_rows=("combined", "clipped", "applied"), combiner="sum", names=None
):
    """A legend with this number of layers; the groups are actor and critic for the usual three objectives."""
    names = names or [f"torso/dense_{k}" for k in range(layers)]
    groups = {"actor": ("policy", "entropy"), "critic": ("value",)}
    if tuple(objectives) != OBJECTIVES:
        groups = {name: (name,) for name in objectives}
    coefficients = {"policy": 1.0, "value": 0.5, "entropy": 0.01}
    return Legend(
        layers=tuple(names),
        sizes=tuple(64 * (k + 1) for k in range(len(names))),
        objectives=tuple(objectives),
        extra_rows=tuple(extra_rows),
        coefficients=tuple(coefficients.get(name, 1.0) for name in objectives),
        groups=groups,
        combiner=combiner,
        settings={},
    )


def gramians(of, count, *, seed=0, width=16):
    """[count, L, R, R] of random rows; the value's norm is ten times the policy's, the step is −(policy + value)."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, len(of.layers), len(of.rows), width))
    names = list(of.rows)
    if "value" in names:
        rows[:, :, names.index("value")] *= 10
    if "applied" in names and "value" in names:
        rows[:, :, names.index("applied")] = -0.01 * (
            rows[:, :, names.index("policy")] + rows[:, :, names.index("value")]
        )
    return rows @ rows.swapaxes(-1, -2)


def write_run(folder, of, arrays, *, first_step=1000, every=1000, returns=0):
    """An event file with these Gramians, and at the first `returns` of them a return of step / 1000.

    TensorBoard keeps 1,000 scalars of a tag; of more it keeps a random choice.
    """
    summaries = [gramian_summary(array, of) for array in arrays]
    for k, summary in enumerate(summaries):
        if k < returns:
            summary.value.append(Summary.Value(tag="episode/return", simple_value=(first_step + k * every) / 1000))
    write_summaries(folder, summaries, first_step=first_step, every=every)


def write_summaries(folder, summaries, *, first_step=1000, every=1000):
    """An event file with these summaries."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = EventFileWriter(str(folder))
    for k, summary in enumerate(summaries):
        step = first_step + k * every
        writer.add_event(Event(step=step, wall_time=1.7e9 + step, summary=summary))
    writer.close()
