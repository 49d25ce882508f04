"""Tables in the terminal: as many columns as fit, without truncating or wrapping a number."""

import os
import re
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE = 160  # characters, for a file or a pipe without COLUMNS
_NAME = 20  # characters that the names keep at least, before columns are left out
_FRAME = 3  # characters of a cell's border and padding


class Column(NamedTuple):
    """A column of a table.

    cells: texts in rich's markup, one for each row. rank: columns with higher ranks are left out first. is_name:
    whether its cells may be folded and are aligned at the left. style: rich's, for the whole column.
    """

    heading: str
    cells: Sequence[str]
    rank: int = 0
    is_name: bool = False
    style: str = ""

    @property
    def width(self) -> int:
        """Characters of the longest cell, or word of the heading, which may wrap at spaces and hyphens."""
        words = re.split(r" |(?<=-)", self.heading)
        return max(map(len, [*words, *(Text.from_markup(cell).plain for cell in self.cells)]))


def show(title: str, columns: Sequence[Column], rest: str) -> None:
    """Prints a table whose first column names the rows, and lists the columns that did not fit.

    The width is that of the terminal; for a file or a pipe it is the variable COLUMNS, or 160 characters.

    Args:
        columns: with the same number of cells each.
        rest: a sentence on where the columns that did not fit can be found.
    """
    console = Console()
    if not console.is_terminal:
        width = os.environ.get("COLUMNS", "")
        console = Console(width=int(width) if width.isdigit() and int(width) else _WIDE)
    kept, left_out = fitting(columns, console.width)
    console.print(_table(title, kept, console.width))
    if left_out:
        names = ", ".join(column.heading for column in left_out)
        console.print(f"No room at {console.width} columns for: {names}. {rest}", markup=False, highlight=False)


def fitting(columns: Sequence[Column], width: int) -> tuple[list[Column], list[Column]]:
    """(columns that fit into a width in characters, the others), each in their order.

    The first column always stays, at least 20 characters wide; of the others those with the lowest ranks do.
    """
    name, *numbers = columns
    room = width - 1 - _FRAME - min(name.width, _NAME)
    kept = {0}
    for place in sorted(range(len(numbers)), key=lambda place: (numbers[place].rank, place)):
        room -= numbers[place].width + _FRAME
        if room < 0:
            break
        kept.add(place + 1)
    return (
        [column for place, column in enumerate(columns) if place in kept],
        [column for place, column in enumerate(columns) if place not in kept],
    )


def _table(title: str, columns: Sequence[Column], width: int) -> Table:
    """rich's table; the first column takes the width that the others leave."""
    table = Table(title=title)
    name, *others = columns
    room = width - 1 - _FRAME - sum(column.width + _FRAME for column in others)
    for column in columns:
        size = max(1, min(column.width, room)) if column is name else column.width
        heading = "\n".join(textwrap.wrap(column.heading, size)) if column.heading else ""
        table.add_column(
            heading,
            justify="left" if column.is_name else "right",
            style=column.style or None,
            width=size,
            no_wrap=column is not name,
            overflow="fold",
        )
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*cells)
    return table
