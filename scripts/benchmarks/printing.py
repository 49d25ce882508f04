"""Results as text: tables in Markdown, and the machine in words."""

import os
import platform
import statistics
from collections.abc import Iterable, Sequence


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table of a header and rows."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def median(numbers: Iterable[float], form: str) -> str:
    """The median, formatted by a format specification such as `.2f`."""
    return format(statistics.median(numbers), form)


def spread(numbers: Sequence[float], form: str) -> str:
    """The median and the range, each formatted by a format specification."""
    return f"{statistics.median(numbers):{form}} ({min(numbers):{form}} to {max(numbers):{form}})"


def machine() -> str:
    """Cores, Python and TensorFlow of this machine, in words."""
    import tensorflow as tf

    cores = f"{os.cpu_count()} cores ({platform.machine()})"
    return f"{cores}, Python {platform.python_version()}, TensorFlow {tf.__version__}."
