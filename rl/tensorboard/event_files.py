"""Event files: written so that no failure goes unheard, read past what is damaged, cut back to a checkpoint."""

import itertools
import os
import platform
import struct
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.plugins.histogram.metadata import PLUGIN_NAME as HISTOGRAMS

from rl.errors import StorageError
from rl.tensorboard.gramians import PLUGIN as GRAMIANS

_HEAD, _FRAME = 12, 16  # bytes ahead of a record, its length and a checksum, and with the checksum behind it
_SECONDS_UNSEEN = 1.0  # an open TensorBoard sees what is no older
_numbers = itertools.count()


class EventFile:
    """One event file, new by its name. Unlike `tf.summary`, it writes at once and raises what the disk answers."""

    def __init__(self, folder: Path):
        name = f"events.out.tfevents.{int(time.time())}.{platform.node()}.{os.getpid()}.{next(_numbers)}.v2"
        self.path = folder / name
        self._writer = tf.io.TFRecordWriter(str(self.path))
        self._size, self._flushed = 0, time.monotonic()
        self._append(Event(wall_time=time.time(), file_version="brain.Event:2"))
        self.flush()

    def write(self, summary: Summary, step: int) -> None:
        """A summary of an environment step."""
        self._append(Event(wall_time=time.time(), step=step, summary=summary))
        if time.monotonic() - self._flushed > _SECONDS_UNSEEN:
            self.flush()

    def flush(self) -> None:
        """To the disk's cache."""
        self._writer.flush()
        self._flushed = time.monotonic()

    def sync(self) -> None:
        """To the disk; StorageError where the file there is not what was written."""
        self.flush()
        with self.path.open("rb") as handle:
            os.fsync(handle.fileno())
            size = os.fstat(handle.fileno()).st_size
        if size != self._size:
            raise StorageError(f"{self.path} was changed by something else: {size:,} bytes instead of {self._size:,}")

    def close(self) -> None:
        """Ends it."""
        self._writer.close()

    def _append(self, event: Event) -> None:
        data = event.SerializeToString()
        self._writer.write(data)
        self._size += len(data) + _FRAME


class Contents(NamedTuple):
    """What a folder's event files hold: how many events of each kind of data, and which tags.

    garbled: whether there was damage other than a last record that a crash cut off.
    """

    counts: Counter
    tags: set[str]
    garbled: bool


def keep_until(folder: Path, step: int, *, scalars: int | None = None) -> Contents:
    """Leaves the events of the steps up to `step`, in every file of a folder, and says what they are.

    Whatever is damaged goes too: a record that a crash cut off, and others, past which the rest is read.

    Args:
        scalars: the last step whose scalars stay, where it is an earlier one.
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


def kind_of(event: Event) -> str:
    """scalars, gramians, histograms or other."""
    if not event.summary.value:
        return "other"
    value = event.summary.value[0]
    if value.WhichOneof("value") == "simple_value":
        return "scalars"
    return {GRAMIANS: "gramians", HISTOGRAMS: "histograms"}.get(value.metadata.plugin_data.plugin_name, "other")


def scalars(folder: Path) -> dict[int, dict[str, float]]:
    """{step: {tag: number}} of a folder's event files."""
    found: dict[int, dict[str, float]] = {}
    for event in read_events(folder):
        if kind_of(event) == "scalars":
            found.setdefault(event.step, {}).update({value.tag: value.simple_value for value in event.summary.value})
    return dict(sorted(found.items()))


def merge(folder: Path, more: dict[int, Summary]) -> None:
    """Puts rebuilt summaries among the events of a folder by their steps, all in one file, no event twice.

    A crash in between leaves events twice, until this is called again.
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
    """A folder's event files, from the oldest to the newest."""
    return sorted(file for file in folder.glob("events.out.tfevents.*") if file.is_file())


def read_events(folder: Path) -> Iterator[Event]:
    """The sound events of a folder's files, file by file."""
    for file in files(folder):
        yield from map(Event.FromString, _records(file)[0])


def _replace(file: Path, records: list[bytes]) -> None:
    partial = file.with_name("events.partial")  # a name that neither TensorBoard nor `files` takes for an event file
    with tf.io.TFRecordWriter(str(partial)) as writer:
        for record in records:
            writer.write(record)
    partial.replace(file)


def _records(file: Path) -> tuple[list[bytes], bool, bool]:
    """The sound records of a file; whether there is anything else in it; whether more than a last one was cut off."""
    found, rest, damaged, garbled = [], file, False, False
    try:
        while True:
            records = _up_to_damage(rest)
            found += [record for record in records if _is_event(record)]
            data = rest.read_bytes()[sum(len(record) + _FRAME for record in records) :]
            if not data:
                return found, damaged, garbled
            length = _length(data)
            damaged, garbled = True, garbled or length is None or length <= len(data)
            if length is None or length >= len(data):
                return found, damaged, garbled
            rest = file.with_name("events.rest.partial")
            rest.write_bytes(data[length:])
    finally:
        if rest != file:
            rest.unlink(missing_ok=True)


def _up_to_damage(file: Path) -> list[bytes]:
    records = []
    iterator = iter(tf.data.TFRecordDataset(str(file)))
    while True:
        try:
            records.append(next(iterator).numpy())
        except (StopIteration, tf.errors.DataLossError):
            return records


def _length(data: bytes) -> int | None:
    """The length of the record that begins here, with its frame; None where its head is garbled."""
    if len(data) < _HEAD:
        return _HEAD
    length, checksum = struct.unpack("<QI", data[:_HEAD])
    return length + _FRAME if masked_crc32c(data[:8]) == checksum else None


def _is_event(record: bytes) -> bool:
    try:
        Event.FromString(record)
    except Exception:  # protobuf's own errors, which differ by its implementation
        return False
    return True
