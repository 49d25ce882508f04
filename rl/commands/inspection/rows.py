"""The rows on the shared weights, layer by layer, on one new batch: norms, cosines, and what chance explains.

A row is the gradient of one objective, without its coefficient, with respect to the shared weights. Nothing is trained.
"""

import argparse
import csv
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rl.commands.inspection.figures import add_run_arguments, outputs_of, write_figure
from rl.commands.inspection.fresh import fresh_batch
from rl.commands.inspection.printing import Column, show
from rl.reports.pyplot import pyplot

_ALL = "all shared weights"
_MOST_IN_COLUMNS = 3
"""Largest number of objectives whose pairs are columns of the table and bars of the figure."""


class Line(NamedTuple):
    """A layer, or all shared weights.

    weights: their number P. norms: {objective: norm of its raw row}. cosines: {`a-b`: cosine of two rows}.
    """

    layer: str
    weights: int
    norms: dict[str, float]
    cosines: dict[str, float]

    @property
    def band(self) -> float:
        """2/√P, two standard deviations of the cosine of independent directions in P dimensions."""
        return 2.0 / self.weights**0.5


def add(commands) -> None:
    """Adds the command `rows` with its options to the parser's commands."""
    command = commands.add_parser("rows", help="every objective's row, layer by layer", description=__doc__)
    add_run_arguments(command)
    command.set_defaults(run_command=rows)


def rows(arguments: argparse.Namespace) -> None:
    """Prints one line for all shared weights and one per layer; writes rows.csv, and rows.png if Matplotlib is there.

    Raises: ConfigError where the run cannot be restored, shares no weights, or the files cannot be written.
    """
    outputs = outputs_of(arguments, "rows", ("rows.csv", "rows.png"))
    fresh = fresh_batch(arguments.run, arguments.checkpoint, trusted=arguments.trust)
    lines = _lines(fresh)
    folder = outputs.begin()
    title = f"rows on the shared weights at step {fresh.step:,}, without coefficients"
    show(title, _columns(lines), f"All numbers are in {outputs.folder / 'rows.csv'}.")
    if len(lines[0].norms) > _MOST_IN_COLUMNS:
        show("cosines over all shared weights", _matrix(lines), "A dash: the two rows have no layer in common.")
    print("Bold: a cosine beyond 2/√P, which independent directions exceed one time in twenty.")
    files = [_write(lines, folder / "rows.csv"), *_figure(lines, fresh.step, folder)]
    outputs.finish()
    print("Written: " + ", ".join(str(outputs.folder / file.name) for file in files))


def _columns(lines: list[Line]) -> list[Column]:
    """The table's columns; in a narrow terminal the first pair's cosine and norms are left out last.

    With more than three objectives the cosines are a table of their own.
    """
    columns = [
        Column("layer", [line.layer for line in lines], is_name=True),
        Column("weights", [f"{line.weights:,}" for line in lines], 3),
    ]
    for place, name in enumerate(lines[0].norms):
        columns.append(Column(f"|{name}|", [f"{line.norms[name]:.3g}" for line in lines], 1 if place < 2 else 4))
    pairs = list(lines[0].cosines) if len(lines[0].norms) <= _MOST_IN_COLUMNS else []
    for place, pair in enumerate(pairs):
        columns.append(Column(f"cos {pair}", [_cell(line, pair) for line in lines], 5 if place else 0))
    return [*columns, Column("chance ±", [f"{line.band:.3f}" for line in lines], 2, style="dim")]


def _cell(line: Line, pair: str) -> str:
    """A cosine, bold beyond the band 2/√P of its line; a dash where it is not defined."""
    cosine = line.cosines[pair]
    text = f"{cosine:+.3f}" if np.isfinite(cosine) else "–"
    return f"[bold]{text}[/]" if abs(cosine) > line.band else text


def _matrix(lines: list[Line]) -> list[Column]:
    """The cosines over all shared weights as a square table, one column per objective."""
    whole, names = lines[0], list(lines[0].norms)
    columns = [Column("", names, is_name=True)]
    for place, name in enumerate(names):
        cells = [_cell(whole, f"{name}-{other}") for other in names[place + 1 :]]
        columns.append(Column(name, [*[""] * (place + 1), *cells], 1 + place))
    return columns[:-1]


def _lines(fresh) -> list[Line]:
    """The lines of the table: all shared weights, and each layer.

    Rows are taken at the checkpoint's weights, on the first minibatch of the iteration that would follow; those of a
    phase that refreshes a frozen copy, on the second.
    """
    import tensorflow as tf

    from rl.gradients import cosines, gramian, norms
    from rl.instruments.evidence import UpdateEvidence
    from rl.instruments.replay import first_minibatches

    learner = fresh.experiment.learner
    minibatches = first_minibatches(learner, fresh.state, fresh.trajectory)
    found = [UpdateEvidence(learner, fresh.state, minibatch, num_samples=2) for minibatch in minibatches]
    rows = {name: row for evidence in found for name, row in evidence.rows.items()}
    objectives, layers, sizes = tuple(rows), found[0].layers, found[0].sizes
    by_layer = gramian(list(rows.values()), found[0].places)

    reached = np.einsum("lii->il", by_layer) > 0  # objective × layer
    together = (reached[:, None] & reached[None]).any(-1)  # whether two rows have a layer in common

    def line(layer, size, matrix) -> Line:
        lengths, angles = norms(matrix).numpy(), np.where(together, cosines(matrix), np.nan)
        angles[lengths == 0], angles[:, lengths == 0] = np.nan, np.nan
        pairs = itertools.combinations(range(len(objectives)), 2)
        return Line(
            layer,
            size,
            dict(zip(objectives, map(float, lengths), strict=True)),
            {f"{objectives[i]}-{objectives[j]}": float(angles[i, j]) for i, j in pairs},
        )

    whole = line(_ALL, sum(sizes), tf.reduce_sum(by_layer, 0))
    return [
        whole,
        *(line(name, size, by_layer[k]) for k, (name, size) in enumerate(zip(layers, sizes, strict=True))),
    ]


def _write(lines: list[Line], file: Path) -> Path:
    """Writes rows.csv and returns the file.

    Columns: layer, weights (their number), norm/<objective>, cosine/<a>-<b>, and null band, 2/√weights.
    """
    with file.open("w", newline="") as handle:
        writer = csv.writer(handle)
        norms, cosines = ([f"{kind}/{key}" for key in getattr(lines[0], f"{kind}s")] for kind in ("norm", "cosine"))
        writer.writerow(["layer", "weights", *norms, *cosines, "null band"])
        for line in lines:
            writer.writerow([line.layer, line.weights, *line.norms.values(), *line.cosines.values(), line.band])
    return file


def _figure(lines: list[Line], step: int, folder: Path) -> list[Path]:
    """Writes rows.png and its event file: norms and cosines by layer, the cosines with the band of chance.

    step: environment steps of the checkpoint. Returns: [the PNG], or nothing where Matplotlib is missing.
    """
    if (plt := pyplot()) is None:
        return []
    places = np.arange(len(lines))
    few = len(lines[0].norms) <= _MOST_IN_COLUMNS
    height = 1.6 + (0.55 if few else 0.14 * len(lines[0].norms)) * len(lines) + (0 if few else 2.4)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11 if few else 14, height), sharey=few, layout="constrained")
    _bars(left, {name: [line.norms[name] for line in lines] for name in lines[0].norms})
    left.set_xscale("log")
    left.set_yticks(places, [line.layer for line in lines])
    left.invert_yaxis()
    left.set_title("norm of each objective's row", fontsize=10)
    if few:
        _cosine_bars(right, lines)
    else:
        _cosine_matrix(right, lines[0])
    figure.suptitle(f"Rows on the shared weights at step {step:,}")
    file = write_figure(figure, "rows", step, folder)
    plt.close(figure)
    return [file]


def _cosine_bars(axis, lines: list[Line]) -> None:
    """Draws the cosine of each pair, layer by layer, over the band that chance explains; axis: a Matplotlib axis."""
    _bars(axis, {pair: [line.cosines[pair] for line in lines] for pair in lines[0].cosines})
    for place, line in enumerate(lines):
        axis.fill_betweenx([place - 0.45, place + 0.45], -line.band, line.band, color="grey", alpha=0.3, linewidth=0)
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_xlim(-1.05, 1.05)
    axis.set_title("cosine of each pair; grey: what chance gives, ±2/√P", fontsize=10)


def _cosine_matrix(axis, line: Line) -> None:
    """Draws the cosines of all pairs of one line as a matrix of colours and numbers; axis: a Matplotlib axis."""
    names = list(line.norms)
    matrix = np.eye(len(names))
    for place, (i, j) in enumerate(itertools.combinations(range(len(names)), 2)):
        matrix[i, j] = matrix[j, i] = list(line.cosines.values())[place]
    axis.imshow(matrix, cmap="RdBu", vmin=-1, vmax=1)
    axis.set_xticks(range(len(names)), names, rotation=40, ha="right", fontsize=8)
    axis.set_yticks(range(len(names)), names, fontsize=8)
    for i, j in itertools.product(range(len(names)), repeat=2):
        text = f"{matrix[i, j]:+.2f}" if np.isfinite(matrix[i, j]) else "–"
        weight = "bold" if i != j and abs(matrix[i, j]) > line.band else "normal"
        color = "white" if abs(matrix[i, j]) > 0.6 else "black"
        axis.text(j, i, text, ha="center", va="center", fontsize=8, fontweight=weight, color=color)
    axis.set_title(f"cosines over {line.layer}; bold: beyond what chance gives, ±2/√P = {line.band:.3f}", fontsize=10)


def _bars(axis, series: Mapping[str, Sequence[float]]) -> None:
    """Draws one bar per label beside each other at each line, with a legend.

    axis: a Matplotlib axis; series: {label: [lines]}, the lengths of the bars.
    """
    for k, (label, numbers) in enumerate(series.items()):
        places = np.arange(len(numbers)) + 0.8 * (k + 0.5) / len(series) - 0.4
        axis.barh(places, numbers, 0.8 / len(series), label=label)
    axis.legend(fontsize=8)
