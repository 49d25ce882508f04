"""Storage failures as one error with one sentence."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from rl.errors import StorageError


@contextlib.contextmanager
def storing(folder: Path) -> Iterator[None]:
    """A context in which the files of a run are written.

    folder: the run directory, which the message names.
    Raises: StorageError where a file cannot be written, or something else has changed or removed one.
    """
    try:
        yield
    except (OSError, tf.errors.OpError, StorageError) as error:
        why = f"{folder} is gone" if not folder.exists() else _why(error)
        raise StorageError(
            f"the files of the run in {folder} can no longer be written: {why}. Its checkpoints are kept; once that is "
            "mended, the same command goes on from the newest one."
        ) from error


def _why(error: Exception) -> str:
    """The reason of an error on one line: the system's message and the file, or the first line of the error."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} ({error.filename})" if error.filename else error.strerror
    message = error.message if isinstance(error, tf.errors.OpError) else str(error)
    return message.splitlines()[0] if message else type(error).__name__
