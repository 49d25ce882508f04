"""One new event file, written without TensorFlow; what stores its records is given.

An event file is a sequence of records. A record is a header of 12 bytes (the length of its data as a little-endian
uint64 and a masked CRC-32C of these 8 bytes), the data (a serialised `Event`), and a masked CRC-32C of the data.
"""

import itertools
import os
import platform
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.summary.writer.record_writer import RecordWriter

from rl.errors import StorageError

HEADER = 12
"""Bytes before a record's data."""
FRAME = HEADER + 4
"""Bytes that a record adds to its data; a checksum follows the data."""
_FLUSH_SECONDS = 1.0  # longest time that an event stays buffered while others follow
_file_numbers = itertools.count()


class Records(Protocol):
    """A file that appends records, each framed by its length and checksums."""

    def write(self, data: bytes) -> None:
        """Appends a record."""

    def flush(self) -> None:
        """Hands buffered records to the operating system."""

    def close(self) -> None:
        """Closes the file."""


def python_records(path: Path) -> Records:
    """A new file of records, whose checksums TensorBoard computes in Python."""
    return RecordWriter(path.open("wb"))


def record_length(data: bytes) -> int | None:
    """The number of bytes of the record that begins here, frame included; None where its header is garbled.

    A truncated header counts as the beginning of a record of 12 bytes.
    """
    if len(data) < HEADER:
        return HEADER
    length, checksum = struct.unpack("<QI", data[:HEADER])
    return length + FRAME if masked_crc32c(data[:8]) == checksum else None


class EventFile:
    """One new event file. Unlike `tf.summary`, it writes without a queue and raises disk errors."""

    def __init__(self, folder: Path, open_records: Callable[[Path], Records]):
        """
        Args:
            folder: an existing folder.
            open_records: opens the file, given its path: `python_records`, or `event_files.tensorflow_records`, which
                computes checksums faster.
        """
        name = f"events.out.tfevents.{int(time.time())}.{platform.node()}.{os.getpid()}.{next(_file_numbers)}.v2"
        self.path = folder / name
        self._writer = open_records(self.path)
        self._size, self._flushed = 0, time.monotonic()
        self._append(Event(wall_time=time.time(), file_version="brain.Event:2"))
        self.flush()

    def write(self, summary: Summary, step: int) -> None:
        """Appends a summary at an environment step; flushes at least once a second while events follow."""
        self._append(Event(wall_time=time.time(), step=step, summary=summary))
        if time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Hands buffered events to the operating system; other processes can then read them."""
        self._writer.flush()
        self._flushed = time.monotonic()

    def sync(self) -> None:
        """Forces all events written so far to disk.

        Raises: StorageError if the file's size on disk is not the number of bytes written.
        """
        self.flush()
        with self.path.open("rb") as handle:
            os.fsync(handle.fileno())
            size = os.fstat(handle.fileno()).st_size
        if size != self._size:
            raise StorageError(f"{self.path} was changed by something else: {size:,} bytes instead of {self._size:,}")

    def close(self) -> None:
        """Closes the file."""
        self._writer.close()

    def _append(self, event: Event) -> None:
        """Writes an event as a record and counts its bytes."""
        data = event.SerializeToString()
        self._writer.write(data)
        self._size += len(data) + FRAME
