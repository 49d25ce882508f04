"""A gradient log that goes on after its program was restored: events after the restored step are dropped.

No TensorFlow: records are written by TensorBoard's own writer, and read here.
"""

from pathlib import Path
from typing import NamedTuple

from tensorboard.compat.proto.event_pb2 import Event

from rl.errors import ConfigError, require
from rl.tensorboard.event_file import FRAME, HEADER, python_records, record_length
from rl.tensorboard.gramians import TAG, Legend, read_legend


class Earlier(NamedTuple):
    """What a folder's gradient log holds up to the restored step."""

    legend: Legend
    last: int
    """Step of the newest event; −1 without one."""
    last_gramian: int
    """Step of the newest Gramian; −1 without one."""


def logs_in(folder: Path) -> list[Path]:
    """The folder's event files that hold Gramians, and not those of other writers."""
    return sorted(file for file in folder.glob("events.out.tfevents.*") if TAG.encode() in file.read_bytes())


def keep_until(files: list[Path], step: int, given: Legend) -> Earlier:
    """Drops all events after `step` from the log's files, and a last record that a crash cut off.

    Args: files: at least one, as `logs_in` lists them; given: the legend of the log that goes on.
    Raises: ConfigError for a log with another legend, and for a damaged file; nothing is then dropped.
    """
    found = {file: _events(file) for file in files}
    legend = _legend(files, [event for events, _ in found.values() for event in events])
    _require_same(given, legend)
    kept = {file: [event for event in events if event.step <= step] for file, (events, _) in found.items()}
    for file, (events, is_cut_off) in found.items():
        if is_cut_off or len(kept[file]) < len(events):
            _replace(file, kept[file])
    steps = [event.step for events in kept.values() for event in events if event.summary.value]
    gramians = [event.step for events in kept.values() for event in events if _has_gramian(event)]
    return Earlier(legend, max(steps, default=-1), max(gramians, default=-1))


def _events(file: Path) -> tuple[list[Event], bool]:
    """(the file's events, whether its last record is cut off); ConfigError if it is damaged elsewhere."""
    data, events, place = file.read_bytes(), [], 0
    while place < len(data):
        length = record_length(data[place : place + HEADER])
        if length is not None and place + length > len(data):
            return events, True
        try:
            events.append(Event.FromString(data[place + HEADER : place + (length or 0) - FRAME + HEADER]))
        except Exception:  # the class depends on protobuf's implementation
            length = None
        require(length is not None, f"folder: {file} is damaged at byte {place:,}; its log cannot go on.")
        place += length
    return events, False


def _legend(files: list[Path], events: list[Event]) -> Legend:
    """The legend of the log's first Gramian."""
    first = next((event for event in events if _has_gramian(event)), Event())
    content = next((value.metadata.plugin_data.content for value in first.summary.value), b"")
    try:
        return read_legend(content)
    except ValueError as error:
        raise ConfigError(f"folder: the log in {files[0].parent} cannot go on: {error}.") from None


def _has_gramian(event: Event) -> bool:
    """Whether the event holds a moment's Gramian."""
    return any(value.tag == TAG for value in event.summary.value)


def _require_same(given: Legend, earlier: Legend) -> None:
    """ConfigError, with what differs, unless the axes, the coefficients and the combiner are the same."""
    for field in ("objectives", "layers", "extra_rows", "coefficients", "groups", "combiner"):
        one, other = getattr(given, field), getattr(earlier, field)
        require(one == other, f"{field}: {_plain(one)} was given; the log that goes on has {_plain(other)}.")
    for layer, one, other in zip(given.layers, given.sizes, earlier.sizes, strict=True):
        require(0 in (one, other) or one == other, f"layers: {layer!r} has {one:,} weights; it had {other:,} before.")


def _plain(value: object) -> object:
    """A field of a legend as its caller gave it: lists for tuples."""
    if isinstance(value, dict):
        return {key: list(names) for key, names in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _replace(file: Path, events: list[Event]) -> None:
    """Atomically replaces a file by one that holds these events."""
    partial = file.with_name("events.partial")  # TensorBoard reads no file of this name
    writer = python_records(partial)
    for event in events:
        writer.write(event.SerializeToString())
    writer.close()
    partial.replace(file)
