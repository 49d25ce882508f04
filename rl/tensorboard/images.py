"""Pictures for TensorBoard's Images tab."""

from pathlib import Path

import tensorflow as tf


def write_image(file: Path, tag: str, png: bytes, step: int) -> None:
    """Writes one picture into an event file of its own.

    Args:
        file: the new event file; its name must contain `tfevents`.
        png: the picture as a PNG file's contents.
    """
    before = set(file.parent.glob("*tfevents*"))
    writer = tf.summary.create_file_writer(str(file.parent))
    with writer.as_default(step=step):
        tf.summary.image(tag, tf.io.decode_png(png, channels=3)[None])
    writer.close()
    (written,) = set(file.parent.glob("*tfevents*")) - before
    written.rename(file)
