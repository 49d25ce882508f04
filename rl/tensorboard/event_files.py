"""Event files of a run that is resumed: what was written after the checkpoint is taken out."""

from pathlib import Path

import tensorflow as tf
from tensorboard.compat.proto.event_pb2 import Event


def drop_after(folder: Path, step: int) -> None:
    """Rewrites every event file of a folder without the events beyond a step; a record cut off by a crash ends its
    file.
    """
    for file in sorted(folder.glob("events.out.tfevents.*")):
        kept = [record for record in _records(file) if Event.FromString(record).step <= step]
        partial = (
            folder / "events.partial"
        )  # a name that neither TensorBoard nor the loop above takes for an event file
        with tf.io.TFRecordWriter(str(partial)) as writer:
            for record in kept:
                writer.write(record)
        partial.replace(file)


def _records(file: Path) -> list[bytes]:
    records = []
    iterator = iter(tf.data.TFRecordDataset(str(file)))
    while True:
        try:
            records.append(next(iterator).numpy())
        except (StopIteration, tf.errors.DataLossError):
            return records
