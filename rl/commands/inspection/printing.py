"""Tables in the terminal: as many columns as its width has room for, and no number cut or wrapped."""

import os
import re
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE = 160  # columns, into a file or a pipe, where COLUMNS says nothing else
_NAME = 20  # columns that a name keeps before a number is left out
_FRAME = 3  # columns that a cell's border and padding take


class Column(NamedTuple):
    """A column of a table.

    cells: texts in rich's markup. rank: columns with lower ranks stay longer where there is no room for all. is_name:
    whether it may be folded, and stands at the left.
    """

    heading: str
    cells: Sequence[str]
    rank: int = 0
    is_name: bool = False
    style: str = ""

    @property
    def width(self) -> int:
        """What the longest cell and the longest word of the heading take."""
        words = re.split(r" |(?<=-)", self.heading)
        return max(map(len, [*words, *(Text.from_markup(cell).plain for cell in self.cells)]))


def show(title: str, columns: Sequence[Column], rest: str) -> None:
    """Prints a table, the first column being the rows' names, and says which columns there was no room for.

    rest: where what is left out is to be found, such as a CSV file.
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
    """The columns that fit into a width, the lowest ranks first, and those that do not; both in their order.

    The first column stays in any case, at least `_NAME` wide.
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
