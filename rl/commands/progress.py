"""Progress of long work on the terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.progress import track


def progress(items: Iterable, description: str, total: int | None = None) -> Iterable:
    """The items, with a bar on standard error."""
    return track(items, description, total=total, console=Console(stderr=True))
