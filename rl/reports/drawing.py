"""The style of all figures of a report: colours, scales, legends, and their two formats.

A figure is a PNG file beside the report, and SVG within the page that takes the page's colours, light or dark.
"""

import io
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from rl.reports.pyplot import pyplot

MOST_DRAWN = 12
"""The number of curves that can be told apart in a figure."""
INK = "#202124"
LINE = "#dadce0"
# The page's light --s0 to --s11; with the dashes they can be told apart with every kind of colour vision.
_COLORS = (
    *("#3b6fa5", "#d14b5a", "#228833", "#a88b00", "#1f9bb8", "#aa3377"),
    *("#7a7a7a", "#111111", "#d07d00", "#7b5ea7", "#8a5a3c", "#4a7d00"),
)
_DASHES = ("-", "--", ":", "-.")
_DPI = 130
_SCALE = 1.6  # pixels per point in the page
_MANY_DECADES = 1e3  # largest over median magnitude, above which an axis is symmetric logarithmic
_RULES = {
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": LINE,
    "legend.frameon": False,
    "font.size": 9,
    "axes.titlesize": 10,
    "svg.hashsalt": "report",
}

Styles = Mapping[str, dict[str, str]]
"""{setting: {`color`: …, `linestyle`: …}} for Matplotlib, the same in all figures of an environment."""


def styles(names: Sequence[str]) -> Styles:
    """A style for each setting, by its position in `names`.

    Colours repeat after 12 settings and dashes after 4.
    """
    return {
        name: {"color": _COLORS[place % len(_COLORS)], "linestyle": _DASHES[place % len(_DASHES)]}
        for place, name in enumerate(names)
    }


@contextmanager
def axes(width: float, height: float, *, rows: int = 1, columns: int = 1, **arguments):
    """A context with (figure, axes) in the report's style; the figure is closed at its end.

    Args:
        width, height: of the figure in inches.
        rows, columns: numbers of axes; with one of each, `axes` is a single one and no array unless `squeeze` is false.
        arguments: passed on to `pyplot.subplots`.
    """
    plt = pyplot()
    with plt.rc_context(_RULES):
        figure, found = plt.subplots(rows, columns, figsize=(width, height), layout="constrained", **arguments)
        yield figure, found
        plt.close(figure)


def saved(figure, file: Path) -> str:
    """Writes a figure as a PNG file, making its folder if needed; returns it as SVG for the page.

    The SVG has no date and no random names, so that the same figure has the same text.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=_DPI)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return _with_page_colors(buffer.getvalue())


def _with_page_colors(svg: str) -> str:
    """Matplotlib's SVG as a part of the page.

    XML header, metadata and the size in points are removed; a width in pixels is added, which the style sheet limits.
    The colours of `_COLORS`, `INK` and `LINE` become the page's CSS variables.
    """
    svg = svg[svg.index("<svg") :]
    width = float(re.search(r'width="([\d.]+)pt"', svg)[1])
    svg = re.sub(r'<svg ([^>]*?)height="[\d.]+pt"([^>]*?)width="[\d.]+pt"', r"<svg \1\2", svg, count=1)
    svg = re.sub(r'<svg ([^>]*?)width="[\d.]+pt"([^>]*?)height="[\d.]+pt"', r"<svg \1\2", svg, count=1)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = svg.replace("<svg ", f'<svg width="{_SCALE * width:.0f}" ', 1)
    for place, color in enumerate(_COLORS):
        svg = svg.replace(color, f"var(--s{place})")
    return svg.replace(INK, "currentColor").replace(LINE, "var(--line)")


def scaled(axis, which: str, values: np.ndarray) -> None:
    """Makes an axis symmetric logarithmic if the largest of its values would hide the others.

    That is the case if the largest magnitude exceeds 1,000 times the median magnitude of the finite non-zero values.

    Args:
        which: `x` or `y`.
        values: all that the axis shows, of any shape.
    """
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    if len(sizes) and sizes.max() > _MANY_DECADES * np.median(sizes):
        threshold = 10.0 ** np.floor(np.log10(np.median(sizes)) - 1)
        getattr(axis, f"set_{which}scale")("symlog", linthresh=threshold)
        getattr(axis, f"{which}axis").get_major_locator().set_params(numticks=7)
        low, high = np.nanmin(values), np.nanmax(values)
        getattr(axis, f"set_{which}lim")(2 * low if low < 0 else 0, 2 * high if high > 0 else 0)
    elif which == "x":
        axis.locator_params(axis="x", nbins=5)


def wrapped(name: str, width: int = 44) -> str:
    """A setting's name in lines of at most `width` characters.

    Dollar signs are escaped, since Matplotlib would read mathematics between two of them.
    """
    return ("\n".join(textwrap.wrap(name, width, break_long_words=True)) or name).replace("$", r"\$")


def legend(figure, panels: Iterable) -> None:
    """Draws one legend below the figure, in two columns.

    panels: Matplotlib axes. A name that several of them have is shown once.
    """
    handles = {}
    for axis in panels:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    if handles:
        figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=2, fontsize=9)


def legend_height(names: Sequence[str]) -> float:
    """The height in inches that `legend` takes below a figure, for settings of these names."""
    return 0.17 * sum(wrapped(name).count("\n") + 1.3 for name in names) / 2 + 0.1
