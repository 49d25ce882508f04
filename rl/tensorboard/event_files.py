"""Event files: reading past damage, truncation to a checkpoint.

`rl.tensorboard.event_file` describes their records.
"""

import platform
import time
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.histogram.metadata import PLUGIN_NAME as HISTOGRAMS

from rl.tensorboard.event_file import FRAME, record_length
from rl.tensorboard.gramians import PLUGIN as GRAMIANS


def tensorflow_records(path: Path) -> tf.io.TFRecordWriter:
    """A new file of records, as `EventFile` takes it."""
    return tf.io.TFRecordWriter(str(path))


class Contents(NamedTuple):
    """The contents of a folder's event files."""

    counts: Counter
    """Number of events of each kind; see `kind_of`."""
    tags: set[str]
    """Tags of all summaries."""
    garbled: bool
    """Whether there was damage other than a truncated last record, which a crash leaves."""


def keep_until(folder: Path, step: int, *, scalars: int | None = None) -> Contents:
    """Drops all events after `step` from every event file of a folder, and all damaged records.

    A file with nothing to drop is left untouched; any other is replaced atomically.

    Args:
        step: environment steps of the checkpoint.
        scalars: the last step whose scalars are kept, if earlier than `step`: a scalar summarises several iterations,
            and its point may have to be recomputed.

    Returns: the contents of the files afterwards.
    """
    last_scalars = step if scalars is None else scalars
    counts, tags, any_garbled = Counter(), set(), False
    for file in files(folder):
        records, damaged, garbled = _records(file)
        any_garbled |= garbled
        events = [Event.FromString(record) for record in records]
        kept = []
        for event, record in zip(events, records, strict=True):
            kind = kind_of(event)
            if event.step <= (last_scalars if kind == "scalars" else step):
                kept.append(record)
                counts[kind] += 1
                tags |= {value.tag for value in event.summary.value}
        if damaged or len(kept) < len(records):
            _replace(file, kept)
    return Contents(counts, tags, any_garbled)


def drop(folder: Path, tags: Collection[str]) -> None:
    """Drops the events of step 0 with any of these tags from every event file of a folder, each file atomically."""
    for file in files(folder):
        records, _, _ = _records(file)
        events = [(record, Event.FromString(record)) for record in records]
        kept = [
            record
            for record, event in events
            if event.step or not {value.tag for value in event.summary.value} & {*tags}
        ]
        if len(kept) < len(records):
            _replace(file, kept)


def kind_of(event: Event) -> str:
    """`scalars`, `gramians`, `histograms` or `other`, by the event's first value; our writer mixes no kinds."""
    if not event.summary.value:
        return "other"
    value = event.summary.value[0]
    if value.WhichOneof("value") == "simple_value":
        return "scalars"
    return {GRAMIANS: "gramians", HISTOGRAMS: "histograms"}.get(value.metadata.plugin_data.plugin_name, "other")


def scalars(folder: Path) -> dict[int, dict[str, float]]:
    """The scalars in a folder's event files, {step: {tag: value}}, sorted by step."""
    found: dict[int, dict[str, float]] = {}
    for event in read_events(folder):
        if kind_of(event) == "scalars":
            found.setdefault(event.step, {}).update({value.tag: value.simple_value for value in event.summary.value})
    return dict(sorted(found.items()))


def merge(folder: Path, more: dict[int, Summary]) -> None:
    """Merges rebuilt summaries into a folder's events: one file, sorted by step, without duplicates.

    A crash in between leaves duplicates, which the next call removes.

    Args:
        more: {step: summary}.
    """
    old = files(folder)
    now = time.time()
    start = Event(wall_time=now, file_version="brain.Event:2").SerializeToString()
    records = dict.fromkeys(record for file in old for record in _records(file)[0]) or {start: None}
    events = [(Event.FromString(record).step, record) for record in records]
    rebuilt = [Event(wall_time=now, step=step, summary=summary) for step, summary in more.items()]
    events += [(event.step, event.SerializeToString()) for event in rebuilt]
    first = old[0] if old else folder / f"events.out.tfevents.{int(now)}.{platform.node()}.0.rebuilt.v2"
    _replace(first, [record for _, record in sorted(events, key=lambda pair: pair[0])])
    for file in old[1:]:
        file.unlink()


def files(folder: Path) -> list[Path]:
    """A folder's event files from the oldest to the newest, by the time in their names."""
    return sorted(file for file in folder.glob("events.out.tfevents.*") if file.is_file())


def read_events(folder: Path) -> Iterator[Event]:
    """The undamaged events of a folder's files, file by file."""
    for file in files(folder):
        yield from map(Event.FromString, _records(file)[0])


def _replace(file: Path, records: list[bytes]) -> None:
    """Atomically replaces a file with a new one that holds the records."""
    partial = file.with_name("events.partial")  # neither TensorBoard nor `files` reads files of this name
    with tensorflow_records(partial) as writer:
        for record in records:
            writer.write(record)
    partial.replace(file)


def _records(file: Path) -> tuple[list[bytes], bool, bool]:
    """(undamaged records, whether the file holds anything else, whether that is more than a truncated last record).

    TensorFlow's reader stops at the first damaged record. Where that record's header is intact, its length says where
    the next one begins, and reading continues there; where the header is garbled, the rest of the file is skipped.
    """
    found, rest, damaged, garbled = [], file, False, False
    try:
        while True:
            records = _up_to_damage(rest)
            events = [record for record in records if _is_event(record)]
            found += events
            if len(events) < len(records):
                damaged = garbled = True
            data = rest.read_bytes()[sum(len(record) + FRAME for record in records) :]
            if not data:
                return found, damaged, garbled
            length = record_length(data)
            damaged, garbled = True, garbled or length is None or length <= len(data)
            if length is None or length >= len(data):
                return found, damaged, garbled
            rest = file.with_name("events.rest.partial")
            rest.write_bytes(data[length:])
    finally:
        if rest != file:
            rest.unlink(missing_ok=True)


def _up_to_damage(file: Path) -> list[bytes]:
    """The data of the records before the first damaged one."""
    records = []
    iterator = iter(tf.data.TFRecordDataset(str(file)))
    while True:
        try:
            records.append(next(iterator).numpy())
        except (StopIteration, tf.errors.DataLossError):
            return records


def _is_event(record: bytes) -> bool:
    """Whether the data parses as an `Event`."""
    try:
        Event.FromString(record)
    except Exception:  # the class depends on protobuf's implementation
        return False
    return True
