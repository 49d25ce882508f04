"""How results are shown: tables as Markdown, the machine in words."""

import os
import platform
import statistics
from collections.abc import Iterable, Sequence


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def median(numbers: Iterable[float], form: str) -> str:
    """The middle number, formatted."""
    return format(statistics.median(numbers), form)


def machine() -> str:
    """The machine in words."""
    import tensorflow as tf

    cores = f"{os.cpu_count()} cores ({platform.machine()})"
    return f"{cores}, Python {platform.python_version()}, TensorFlow {tf.__version__}."
