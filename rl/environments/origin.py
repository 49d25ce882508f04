"""An exception in one line: what it says, and where in whose code it was raised."""

import os
import re
import traceback
from pathlib import Path

import gymnasium

_LONGEST = 500  # characters of an exception's own words
_GYMNASIUM = Path(gymnasium.__file__).parent
_PASSED_THROUGH = (Path(__file__).parent, _GYMNASIUM, _GYMNASIUM / "vector", _GYMNASIUM / "wrappers")
"""Folders whose code only hands on what an environment raises."""
_OF_THE_GRAPH = re.compile(r"\{\{.*?\}\}|\[\[.*?\]\]|\[Op:\w*\]")  # what TensorFlow adds to a message


def in_one_line(error: BaseException, own_file: str | None = None) -> str:
    """`Kind: words (file:line in function, raised at file:line in function)`.

    Args:
        own_file: of the code that is to blame, whose last line comes first; the place where the exception was raised
            follows where that is another.
    """
    words = " ".join(_OF_THE_GRAPH.sub(" ", str(error)).split())
    words = words if len(words) <= _LONGEST else f"{words[:_LONGEST]} …"
    kind = type(error).__name__
    words = f"{kind}: {words}" if words else kind
    frames = traceback.extract_tb(error.__traceback__)
    beyond = [frame for frame in frames if Path(frame.filename).parent not in _PASSED_THROUGH] or frames
    if not beyond:
        return words
    own = [frame for frame in beyond if own_file and frame.filename == own_file]
    if not own or own[-1] is beyond[-1]:
        return f"{words} ({_shown(beyond[-1])})"
    return f"{words} ({_shown(own[-1])}, raised at {_shown(beyond[-1])})"


def _shown(frame: traceback.FrameSummary) -> str:
    file = Path(frame.filename)
    shown = os.path.relpath(file) if file.is_relative_to(Path.cwd()) else frame.filename
    return f"{shown}:{frame.lineno} in {frame.name}"
