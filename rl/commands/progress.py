"""A progress bar for commands that iterate over runs, settings or files."""

from collections.abc import Iterable

from rich.console import Console
from rich.progress import track


def progress(items: Iterable, description: str, total: int | None = None) -> Iterable:
    """Yields the items, and shows on standard error how many are done.

    total: the number of items, for those that have no length.
    """
    return track(items, description, total=total, console=Console(stderr=True))
