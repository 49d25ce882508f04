"""A report as Markdown with PNG figures, and as one self-contained HTML file."""

import html
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_STYLE = Path(__file__).with_name("page.css")
_FIRST_ROWS = 12  # of a table; further rows are folded


class Page:
    """Collects sections, texts, tables and figures in order, in both formats.

    All texts are plain: special characters of HTML and Markdown are escaped.
    """

    def __init__(self, title: str):
        """title: of the whole page."""
        self._title = title
        self._markdown: list[str] = []
        self._html: list[str] = []
        self._level = 1

    @contextmanager
    def section(self, title: str, *, note: str = "", is_open: bool = True) -> Iterator[None]:
        """A context whose contents are a foldable section with a heading, one level below the section around it.

        Args:
            note: a few words beside the heading; is_open: whether the section is unfolded at first.
        """
        self._level += 1
        beside = f'<span class="note">{html.escape(note)}</span>' if note else ""
        heading = f"<h{self._level}>{html.escape(title)}</h{self._level}>{beside}"
        # The anchor is inside, since a browser unfolds a section in order to scroll to something in it.
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
        """Adds a paragraph of sentences."""
        joined = " ".join(sentences)
        self._add(_escaped(joined), f"<p>{html.escape(joined)}</p>")

    def code(self, text: str) -> None:
        """Adds a line of code."""
        self._add(f"    {text}", f"<p><code>{html.escape(text)}</code></p>")

    def items(self, sentences: Sequence[str], summary: str = "") -> None:
        """Adds a list, folded under a summary if one is given; nothing if it is empty."""
        if not sentences:
            return
        as_html = f"<ul>{''.join(f'<li>{html.escape(sentence)}</li>' for sentence in sentences)}</ul>"
        lines = "\n".join(f"- {_escaped(text)}" for text in sentences)
        self._add(f"{_escaped(summary)}\n\n{lines}" if summary else lines, _folded(summary, as_html))

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]], marked: Collection[int] = ()) -> None:
        """Adds a table; columns of numbers are aligned at the right, and rows after the twelfth are folded.

        Args:
            header: [columns]; rows: [rows][columns], each cell a text.
            marked: positions of the rows to highlight.
        """
        numeric_cell = r"([−+-]?[\d,.]+([eE][−+-]?\d+)?|–)?( \(.*\))?"
        numeric = [all(re.fullmatch(numeric_cell, row[column]) for row in rows) for column in range(len(header))]
        lines = [header, ["---:" if is_number else "---" for is_number in numeric], *rows]
        cells = [[cell if number == 1 else _escaped(cell) for cell in row] for number, row in enumerate(lines)]
        head = _row(header, "th", numeric)
        body = [_row(row, "td", numeric, marked=place in marked) for place, row in enumerate(rows)]
        as_html = _table(head, body[:_FIRST_ROWS])
        if rest := body[_FIRST_ROWS:]:
            as_html += _folded(f"{len(rest)} more", _table(head, rest))
        self._add("\n".join("| " + " | ".join(row) + " |" for row in cells), as_html)

    def contents(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Adds a table whose first column holds titles of sections, and links to them.

        The links work where sections with these titles are on the page; a browser unfolds them.
        """
        links = [[f'<a href="#{anchor(row[0])}">{html.escape(row[0])}</a>', *map(html.escape, row[1:])] for row in rows]
        body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in links)
        lines = [header, ["---"] * len(header), *([_escaped(cell) for cell in row] for row in rows)]
        as_html = _table(_row(header, "th", [False] * len(header)), [body])
        self._add("\n".join("| " + " | ".join(row) + " |" for row in lines), as_html)

    def figure(self, file: Path, svg: str, words: str) -> None:
        """Adds a figure: as SVG to the page, as a link to the PNG file to the Markdown.

        Args:
            file: the PNG, in a folder beside the report; svg: the same figure.
            words: what it shows, for those who cannot see it.
        """
        as_html = f'<figure role="img" aria-label="{html.escape(words)}">{svg}</figure>'
        self._add(f"![{words}]({file.parent.name}/{file.name})", as_html)

    def write(self, folder: Path) -> list[Path]:
        """Writes report.md and report.html, and returns both.

        folder: the report's, which exists and contains the folder of the figures.
        """
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
    """The id of the section with a title: lower case, other characters than letters and digits as hyphens."""
    return re.sub(r"\W+", "-", title.lower()).strip("-")


def _row(cells: Sequence[str], tag: str, numeric: Sequence[bool], *, marked: bool = False) -> str:
    """A row of a table in HTML; tag: `th` or `td`; numeric: whether each column holds numbers."""
    inner = "".join(
        f"<{tag}{' class=number' if is_number else ''}>{html.escape(cell)}</{tag}>"
        for cell, is_number in zip(cells, numeric, strict=True)
    )
    return f'<tr class="marked">{inner}</tr>' if marked else f"<tr>{inner}</tr>"


def _table(head: str, body: Sequence[str]) -> str:
    """A table in HTML that scrolls horizontally; head and body are its rows. Empty without a body."""
    return (
        f'<div class="scroll"><table><thead>{head}</thead><tbody>{"".join(body)}</tbody></table></div>' if body else ""
    )


def _folded(summary: str, as_html: str) -> str:
    """HTML folded under a summary; unchanged without one."""
    if not summary:
        return as_html
    return f'<details class="more"><summary>{html.escape(summary)}</summary>{as_html}</details>'


def _escaped(text: str) -> str:
    """A text as one line of Markdown, with the characters escaped that would format it."""
    return re.sub(r"([\\*<|`])", r"\\\1", " ".join(text.split()))
