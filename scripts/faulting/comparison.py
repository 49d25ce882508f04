"""Whether two run directories hold the same run, bit for bit, without its times."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

_OF_THE_COMMAND = "retry_failed:"
"""A line of the config in which the second command of a case may differ."""
_IN_A_SUMMARY = ("status", "steps", "updates", "evaluation", "seed", "lost", "error")


def differences(one: Path, other: Path) -> list[str]:
    """What differs between two run directories, in words; times are not compared.

    Compared are names and arrays of the checkpoints, the rows of metrics.csv, scalars, histograms and Gramians in the
    event files by step, the summaries, and the configs.
    """
    return [*_checkpoints(one, other), *_metrics(one, other), *_events(one, other), *_rest(one, other)]


def _checkpoints(one: Path, other: Path) -> Iterator[str]:
    names = [sorted(file.name for file in (run / "checkpoints").glob("*")) for run in (one, other)]
    if names[0] != names[1]:
        yield f"checkpoints {names[0]} and {names[1]}"
    for name in sorted({*names[0]} & {*names[1]}):
        with np.load(one / "checkpoints" / name) as a, np.load(other / "checkpoints" / name) as b:
            if set(a.files) != set(b.files):
                yield f"{name}: arrays {sorted(set(a.files) ^ set(b.files))} in one alone"
            unlike = [x for x in a.files if x in b.files and x != "__meta__" and not _same(a[x], b[x])]
            if unlike:
                yield f"{name}: {', '.join(unlike[:3])} and {len(unlike) - 1} more are not the same bits"


def _metrics(one: Path, other: Path) -> Iterator[str]:
    from rl.runs.metrics_file import read_metrics

    a, b = (read_metrics(run / "metrics.csv") for run in (one, other))
    if list(a) != list(b):
        yield "metrics.csv: other columns"
    elif a["step"].tolist() != b["step"].tolist():
        yield f"metrics.csv: {len(a['step'])} rows and {len(b['step'])}"
    else:
        for tag in a:
            if not tag.startswith("time/") and not np.array_equal(a[tag], b[tag], equal_nan=True):
                rows = np.flatnonzero(~((a[tag] == b[tag]) | (np.isnan(a[tag]) & np.isnan(b[tag]))))
                yield f"metrics.csv: {tag} differs in rows {rows[:5].tolist()}"


def _events(one: Path, other: Path) -> Iterator[str]:
    a, b = map(events, (one, other))
    for key in sorted({*a, *b}):
        if a.get(key) != b.get(key):
            steps = [[step for step, _ in found.get(key, ())] for found in (a, b)]
            yield f"event files: {key} at steps {steps[0]} and {steps[1]}"


def events(run: Path) -> dict[str, list[tuple[int, bytes]]]:
    """{tag: [(step, value)]} of all event files, sorted by step; a duplicated value appears twice."""
    from rl.tensorboard.event_files import read_events

    found: dict[str, list] = {}
    for event in read_events(run):
        for value in event.summary.value:
            if not value.tag.startswith("time/") and "hparams" not in value.tag:
                found.setdefault(value.tag, []).append((event.step, _content(value)))
    return {tag: sorted(values) for tag, values in found.items()}


def _content(value) -> bytes:
    if value.tag == "config":
        return _settings(value.tensor.string_val[0].decode()).encode()
    return value.SerializeToString(deterministic=True)


def _settings(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith(_OF_THE_COMMAND))


def _rest(one: Path, other: Path) -> Iterator[str]:
    a, b = (json.loads((run / "summary.json").read_text()) for run in (one, other))
    for key in _IN_A_SUMMARY:
        if a.get(key) != b.get(key):
            yield f"summary.json: {key} is {a.get(key)} and {b.get(key)}"
    texts = [
        {file.name: _settings(file.read_text()) for file in (run / ".hydra").glob("*") if file.name != "overrides.yaml"}
        for run in (one, other)
    ]
    if texts[0] != texts[1]:
        yield ".hydra: other files or texts"
    left = [sorted(file.name for file in run.rglob("*.partial")) for run in (one, other)]
    if left[0] != left[1]:
        yield f"left over: {left[0]} and {left[1]}"


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
