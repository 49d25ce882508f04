"""Tables in the terminal."""

from rich.console import Console
from rich.table import Table

_WIDE = 160


def show(table: Table) -> None:
    """As wide as the terminal; into a file or a pipe as wide as tables need."""
    console = Console()
    (console if console.is_terminal else Console(width=_WIDE)).print(table)
