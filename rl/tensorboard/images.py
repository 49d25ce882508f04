"""Images in event files, for TensorBoard's Images tab."""

from pathlib import Path

import tensorflow as tf


def write_image(file: Path, tag: str, png: bytes, step: int) -> None:
    """Writes one image into an event file of its own.

    Args:
        file: the new event file; TensorBoard reads it only if its name contains `tfevents`.
        tag: title of the image in the tab.
        png: contents of a PNG file; its alpha channel is dropped.
        step: environment step of the image.
    """
    before = set(file.parent.glob("*tfevents*"))
    writer = tf.summary.create_file_writer(str(file.parent))
    with writer.as_default(step=step):
        tf.summary.image(tag, tf.io.decode_png(png, channels=3)[None])
    writer.close()
    (written,) = set(file.parent.glob("*tfevents*")) - before
    written.rename(file)
