"""A report as Markdown and as one HTML file that needs nothing else."""

import base64
import html
import re
from collections.abc import Sequence
from pathlib import Path

_STYLE = """
body { max-width: 1080px; margin: 2em auto; padding: 0 1em; font: 15px/1.5 Roboto, sans-serif; color: #212121; }
h1 { font-size: 1.6em; } h2 { margin-top: 2em; border-bottom: 1px solid #dadce0; } h3 { margin-top: 1.6em; }
table { border-collapse: collapse; margin: 0.8em 0; display: block; overflow-x: auto; }
th, td { padding: 4px 12px; border-bottom: 1px solid #dadce0; text-align: left; font-variant-numeric: tabular-nums; }
th { font-weight: 600; }
.number { text-align: right; } img { max-width: 100%; }
code { background: #f1f3f4; padding: 1px 4px; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) {
  body { background: #202124; color: #e8eaed; } th, td, h2 { border-color: #55585c; } code { background: #303134; }
  img { background: #ffffff; }
}
"""


class Page:
    """Collects headings, texts, tables and figures, in order."""

    def __init__(self, title: str):
        self._title, self._parts = title, []

    def heading(self, text: str, level: int = 2) -> None:
        """A heading of a level."""
        self._parts.append((f"{'#' * level} {_escaped(text)}", f"<h{level}>{html.escape(text)}</h{level}>"))

    def text(self, *sentences: str) -> None:
        """A paragraph."""
        joined = " ".join(sentences)
        self._parts.append((_escaped(joined), f"<p>{html.escape(joined)}</p>"))

    def code(self, text: str) -> None:
        """A line of code."""
        self._parts.append((f"    {text}", f"<p><code>{html.escape(text)}</code></p>"))

    def items(self, sentences: Sequence[str]) -> None:
        """A list, if there is anything in it."""
        if sentences:
            as_html = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
            self._parts.append(("\n".join(f"- {_escaped(text)}" for text in sentences), f"<ul>{as_html}</ul>"))

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table of texts; columns of numbers stand at the right."""
        numeric = [all(re.match(r"[-−+–]?(\d|$)", row[column]) for row in rows) for column in range(len(header))]
        styles = [' class="number"' if one else "" for one in numeric]

        def line(cells: Sequence[str], tag: str) -> str:
            of_cells = zip(cells, styles, strict=True)
            return f"<tr>{''.join(f'<{tag}{style}>{html.escape(cell)}</{tag}>' for cell, style in of_cells)}</tr>"

        body = "".join(line(row, "td") for row in rows)
        as_html = f"<table><thead>{line(header, 'th')}</thead><tbody>{body}</tbody></table>"
        lines = [header, ["---:" if one else "---" for one in numeric], *rows]
        cells = [[cell if number == 1 else _escaped(cell) for cell in row] for number, row in enumerate(lines)]
        self._parts.append(("\n".join("| " + " | ".join(row) + " |" for row in cells), as_html))

    def figure(self, file: Path, words: str) -> None:
        """A PNG that lies beside the report; words say what it shows."""
        data = base64.b64encode(file.read_bytes()).decode()
        as_html = f'<img alt="{html.escape(words)}" src="data:image/png;base64,{data}">'
        self._parts.append((f"![{words}]({file.parent.name}/{file.name})", as_html))

    def write(self, folder: Path) -> list[Path]:
        """report.md and report.html."""
        markdown, page = folder / "report.md", folder / "report.html"
        title = html.escape(self._title)
        texts = [f"# {_escaped(self._title)}", *(text for text, _ in self._parts)]
        markdown.write_text("\n\n".join(texts) + "\n", encoding="utf-8")
        body = "\n".join(as_html for _, as_html in self._parts)
        page.write_text(
            f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
            f"<style>{_STYLE}</style>\n<h1>{title}</h1>\n{body}\n</html>\n",
            encoding="utf-8",
        )
        return [markdown, page]


def _escaped(text: str) -> str:
    """A text in one line of Markdown that says nothing but itself."""
    return re.sub(r"([\\*<|`])", r"\\\1", " ".join(text.split()))
