"""Formats an exception in one line: its type, its message, and the file and line of the environment that raised it."""

import os
import re
import traceback
from pathlib import Path

import gymnasium
import tensorflow as tf

_LONGEST = 500  # characters of an exception's message
_GYMNASIUM = Path(gymnasium.__file__).parent
_PASSED_THROUGH = (Path(__file__).parent, _GYMNASIUM, _GYMNASIUM / "vector", _GYMNASIUM / "wrappers")
"""Folders whose code only propagates an environment's exceptions."""
_TENSORFLOW = Path(tf.__file__).parent
_TENSORFLOWS = re.compile(r"\{\{.*?\}\}|\[\[.*?\]\]|\[Op:\w*\]")  # parts that TensorFlow adds to a message


def in_one_line(error: BaseException, own_file: str | None = None) -> str:
    """An exception as `Type: message (file:line in function, raised at file:line in function)`.

    Example: `ZeroDivisionError: division by zero (my_env.py:42 in step)`. Messages are truncated to 500 characters;
    TensorFlow's additions to them, and stack frames of TensorFlow, Gymnasium and this package, are omitted.

    Args:
        error: the exception, with its traceback.
        own_file: the environment's source file. Its innermost line in the traceback is shown first, followed by the
            line that raised the exception if that is in another file; None shows only the line that raised it.
    """
    words = " ".join(_TENSORFLOWS.sub(" ", str(error)).split())
    words = words if len(words) <= _LONGEST else f"{words[:_LONGEST]} …"
    kind = type(error).__name__
    words = f"{kind}: {words}" if words else kind
    frames = traceback.extract_tb(error.__traceback__)
    beyond = [frame for frame in frames if not _propagates(Path(frame.filename))] or frames
    if not beyond:
        return words
    own = [frame for frame in beyond if own_file and frame.filename == own_file]
    if not own or own[-1] is beyond[-1]:
        return f"{words} ({_shown(beyond[-1])})"
    return f"{words} ({_shown(own[-1])}, raised at {_shown(beyond[-1])})"


def _propagates(file: Path) -> bool:
    """Whether the code of a file only propagates exceptions of the code that it was given."""
    return file.parent in _PASSED_THROUGH or file.is_relative_to(_TENSORFLOW)


def _shown(frame: traceback.FrameSummary) -> str:
    """`file:line in function`, with a relative path below the current folder."""
    file = Path(frame.filename)
    shown = os.path.relpath(file) if file.is_relative_to(Path.cwd()) else frame.filename
    return f"{shown}:{frame.lineno} in {frame.name}"
