"""A report as Markdown and as one HTML file that needs nothing else."""

import html
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_STYLE = Path(__file__).with_name("page.css")
_FIRST_ROWS = 12


class Page:
    """Collects sections, texts, tables and figures, in order."""

    def __init__(self, title: str):
        self._title = title
        self._markdown: list[str] = []
        self._html: list[str] = []
        self._level = 1

    @contextmanager
    def section(self, title: str, *, note: str = "", is_open: bool = True) -> Iterator[None]:
        """A section that can be folded, with a heading; note: a few words beside it."""
        self._level += 1
        beside = f'<span class="note">{html.escape(note)}</span>' if note else ""
        heading = f"<h{self._level}>{html.escape(title)}</h{self._level}>{beside}"
        # The anchor stands inside, since a browser opens what it has to scroll into.
        self._add(
            f"{'#' * self._level} {_escaped(title)}",
            f'<details class="section"{" open" if is_open else ""}><summary>{heading}</summary>'
            f'<a id="{anchor(title)}"></a>',
        )
        if note:
            self._markdown.append(_escaped(note))
        yield
        self._html.append("</details>")
        self._level -= 1

    def text(self, *sentences: str) -> None:
        """A paragraph."""
        joined = " ".join(sentences)
        self._add(_escaped(joined), f"<p>{html.escape(joined)}</p>")

    def code(self, text: str) -> None:
        """A line of code."""
        self._add(f"    {text}", f"<p><code>{html.escape(text)}</code></p>")

    def items(self, sentences: Sequence[str], summary: str = "") -> None:
        """A list, if there is anything in it; folded under a summary where one is given."""
        if not sentences:
            return
        as_html = f"<ul>{''.join(f'<li>{html.escape(sentence)}</li>' for sentence in sentences)}</ul>"
        lines = "\n".join(f"- {_escaped(text)}" for text in sentences)
        self._add(f"{_escaped(summary)}\n\n{lines}" if summary else lines, _folded(summary, as_html))

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]], marked: Collection[int] = ()) -> None:
        """A table of texts; columns of numbers stand at the right, and of many rows the first twelve are in sight.

        marked: the rows that stand out.
        """
        of_numbers = r"([−+-]?[\d,.]+([eE][−+-]?\d+)?|–)?( \(.*\))?"
        numeric = [all(re.fullmatch(of_numbers, row[column]) for row in rows) for column in range(len(header))]
        lines = [header, ["---:" if one else "---" for one in numeric], *rows]
        cells = [[cell if number == 1 else _escaped(cell) for cell in row] for number, row in enumerate(lines)]
        head = _row(header, "th", numeric)
        body = [_row(row, "td", numeric, marked=place in marked) for place, row in enumerate(rows)]
        as_html = _table(head, body[:_FIRST_ROWS])
        if rest := body[_FIRST_ROWS:]:
            as_html += _folded(f"{len(rest)} more", _table(head, rest))
        self._add("\n".join("| " + " | ".join(row) + " |" for row in cells), as_html)

    def contents(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table whose first column links to the sections of these titles."""
        links = [[f'<a href="#{anchor(row[0])}">{html.escape(row[0])}</a>', *map(html.escape, row[1:])] for row in rows]
        body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in links)
        lines = [header, ["---"] * len(header), *([_escaped(cell) for cell in row] for row in rows)]
        as_html = _table(_row(header, "th", [False] * len(header)), [body])
        self._add("\n".join("| " + " | ".join(row) + " |" for row in lines), as_html)

    def figure(self, file: Path, svg: str, words: str) -> None:
        """A figure, as SVG in the page and as a PNG that lies beside the report; words say what it shows."""
        as_html = f'<figure role="img" aria-label="{html.escape(words)}">{svg}</figure>'
        self._add(f"![{words}]({file.parent.name}/{file.name})", as_html)

    def write(self, folder: Path) -> list[Path]:
        """report.md and report.html."""
        markdown, page = folder / "report.md", folder / "report.html"
        title = html.escape(self._title)
        markdown.write_text("\n\n".join([f"# {_escaped(self._title)}", *self._markdown]) + "\n", encoding="utf-8")
        body = "\n".join(self._html)
        page.write_text(
            f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width">\n<title>{title}</title>\n'
            f"<style>\n{_STYLE.read_text(encoding='utf-8')}</style>\n<h1>{title}</h1>\n{body}\n</html>\n",
            encoding="utf-8",
        )
        return [markdown, page]

    def _add(self, markdown: str, as_html: str) -> None:
        self._markdown.append(markdown)
        self._html.append(as_html)


def anchor(title: str) -> str:
    """The id of a section."""
    return re.sub(r"\W+", "-", title.lower()).strip("-")


def _row(cells: Sequence[str], tag: str, numeric: Sequence[bool], *, marked: bool = False) -> str:
    of_cells = zip(cells, numeric, strict=True)
    inner = "".join(f"<{tag}{' class=number' if one else ''}>{html.escape(cell)}</{tag}>" for cell, one in of_cells)
    return f'<tr class="marked">{inner}</tr>' if marked else f"<tr>{inner}</tr>"


def _table(head: str, body: Sequence[str]) -> str:
    return (
        f'<div class="scroll"><table><thead>{head}</thead><tbody>{"".join(body)}</tbody></table></div>' if body else ""
    )


def _folded(summary: str, as_html: str) -> str:
    if not summary:
        return as_html
    return f'<details class="more"><summary>{html.escape(summary)}</summary>{as_html}</details>'


def _escaped(text: str) -> str:
    """A text in one line of Markdown that says nothing but itself."""
    return re.sub(r"([\\*<|`])", r"\\\1", " ".join(text.split()))
