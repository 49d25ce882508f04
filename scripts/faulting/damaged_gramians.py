"""Event files with damaged Gramians: legends, tensors, steps and returns that no run writes, drawn from a seed."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util import tensor_util

from rl.tensorboard.gramians import Legend, gramian_summary

_OF = Legend(
    layers=("torso/dense_0", "torso/dense_1"),
    sizes=(64, 128),
    objectives=("policy", "value", "entropy"),
    extra_rows=("combined", "clipped", "applied"),
    coefficients=(1.0, 0.5, 0.01),
    groups={"actor": ("policy", "entropy"), "critic": ("value",)},
    combiner="sum",
)
_MOMENTS = 5
LEGENDS: dict[str, dict[str, Any]] = {
    "huge_size": {"sizes": [10**300, 10**300]},
    "negative_size": {"sizes": [-1, 64]},
    "endless_size": {"sizes": [float("inf"), 64]},
    "no_size": {"sizes": [None, 64]},
    "huge_coefficient": {"coefficients": [10**300, 1.0, 1.0]},
    "nan_coefficient": {"coefficients": [float("nan"), 1.0, 1.0]},
    "many_layers": {"layers": [str(k) for k in range(5000)], "sizes": [1] * 5000},
    "many_rows": {"extra_rows": [str(k) for k in range(1000)]},
    "many_groups": {"groups": {str(k): ["policy"] for k in range(1000)}},
    "long_name": {"layers": ["x" * 100_000, "y"]},
    "twice_applied": {"extra_rows": ["combined", "applied", "−applied"]},
    "list_for_text": {"combiner": ["sum"]},
    "deep_settings": {"settings": {"a": json.loads("[" * 300 + "]" * 300)}},
    "huge_settings": {"settings": {"learning_rate": 10**300, "c": 1e308, "row": -(10**9)}, "combiner": "GradNorm"},
    "wrong_settings": {"settings": {"c": "x", "row_weights": [1, 2, 3], "preference": "y"}, "combiner": "CAGrad"},
    "markup": {"combiner": "<script>", "extra_rows": ["<img src=x>", "\u2028", "applied"]},
    "numbers_for_names": {"objectives": [1, 2, 3]},
    "old_name": {"combiner": "IMTLG"},
}
"""{damage: the changed fields of the legend}."""


def _undecodable(summary: Summary) -> None:
    summary.value[0].tensor.tensor_content = b"\x00" * 7


def _of_another_shape(summary: Summary) -> None:
    summary.value[0].tensor.CopyFrom(tensor_util.make_tensor_proto(np.zeros((3, 1, 2))))


def _of_texts(summary: Summary) -> None:
    summary.value[0].tensor.CopyFrom(tensor_util.make_tensor_proto(np.full((2, 6, 6), "text", object)))


def _filled(number: float) -> Callable[[Summary], None]:
    def fill(summary: Summary) -> None:
        summary.value[0].tensor.CopyFrom(tensor_util.make_tensor_proto(np.full((2, 6, 6), number)))

    return fill


TENSORS: dict[str, Callable[[Summary], None]] = {
    "undecodable": _undecodable,
    "other_shape": _of_another_shape,
    "texts": _of_texts,
    "nan": _filled(np.nan),
    "infinite": _filled(np.inf),
    "negative": _filled(-1.0),
    "greatest": _filled(np.finfo(float).max),
    "least": _filled(5e-324),
    "zero": _filled(0.0),
}
"""{damage: a function that changes a moment's summary}."""
STEPS: dict[str, tuple[int, ...]] = {
    "negative_steps": (-(2**63), -5, -1, 0, 1),
    "greatest_steps": (2**53, 2**53 + 1, 2**62, 2**63 - 2, 2**63 - 1),
    "one_step": (7, 7, 7, 7, 7),
    "backwards": (5, 4, 3, 2, 1),
}


def write_damaged_runs(folder: Path, *, count: int = 40, seed: int = 0) -> list[str]:
    """Writes `count` runs with one or two damages each, and two undamaged runs; returns the names of all."""
    chance, good = random.Random(seed), ("good__seed-0", "good__seed-1")
    kinds = [*LEGENDS, *TENSORS, *STEPS]
    for run in good:
        _write(folder / run, [], chance)
    names = []
    for k in range(count):
        damages = [kinds[k % len(kinds)], *chance.sample(kinds, k=int(k >= len(kinds)))]
        names.append(f"{'_and_'.join(damages)}__seed-{k}")
        _write(folder / names[-1], damages, chance)
    return [*good, *names]


def _write(folder: Path, damages: list[str], chance: random.Random) -> None:
    random_rows = np.random.default_rng(chance.randrange(2**32)).normal(size=(_MOMENTS, 2, 6, 16))
    steps = next((STEPS[damage] for damage in damages if damage in STEPS), tuple(range(1000, 6000, 1000)))
    fields = {**_OF._asdict(), **{key: x for damage in damages for key, x in LEGENDS.get(damage, {}).items()}}
    content = json.dumps({**fields, "settings": dict(fields["settings"])}).encode()
    broken = set(chance.sample(range(_MOMENTS), k=chance.randint(1, _MOMENTS)))
    folder.mkdir(parents=True)
    writer = EventFileWriter(str(folder))
    for k, (step, rows) in enumerate(zip(steps, random_rows, strict=True)):
        summary = gramian_summary(rows @ rows.swapaxes(-1, -2), _OF)
        summary.value[0].metadata.plugin_data.content = content
        for damage in damages:
            if k in broken and damage in TENSORS:
                TENSORS[damage](summary)
        returned = chance.choice((12.5, float("nan"), float("inf"), -1e38))
        summary.value.append(Summary.Value(tag="episode/return", simple_value=returned))
        writer.add_event(Event(step=step, wall_time=1.7e9 + k, summary=summary))
    writer.close()
