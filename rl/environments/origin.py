"""An exception in one line: what it says, and where in whose code it was raised."""

import os
import traceback
from pathlib import Path

import gymnasium

_LONGEST = 500  # characters of an exception's own words
_GYMNASIUM = Path(gymnasium.__file__).parent
_PASSED_THROUGH = (Path(__file__).parent, _GYMNASIUM, _GYMNASIUM / "vector", _GYMNASIUM / "wrappers")
"""Folders whose code only hands on what an environment raises."""


def in_one_line(error: BaseException, own_file: str | None = None) -> str:
    """`Kind: words (file:line in function, called from file:line in function)`.

    Args:
        own_file: of the code that is to blame; the second place is its last line, left out where it is the first.
    """
    words = " ".join("".join(traceback.format_exception_only(error)).split())
    words = words if len(words) <= _LONGEST else f"{words[:_LONGEST]} …"
    frames = traceback.extract_tb(error.__traceback__)
    beyond = [frame for frame in frames if Path(frame.filename).parent not in _PASSED_THROUGH] or frames
    if not beyond:
        return words
    places = [_shown(beyond[-1])]
    own = [frame for frame in beyond if own_file and frame.filename == own_file]
    if own and own[-1] is not beyond[-1]:
        places.append(f"called from {_shown(own[-1])}")
    return f"{words} ({', '.join(places)})"


def _shown(frame: traceback.FrameSummary) -> str:
    file = Path(frame.filename)
    shown = os.path.relpath(file) if file.is_relative_to(Path.cwd()) else frame.filename
    return f"{shown}:{frame.lineno} in {frame.name}"
