"""The files of `inspect whatif`: numbers and cosines as CSV, and a figure.

An outcome (`rl.instruments.what_if.Outcome`) is what one rule would do: row weights, direction, step, and the change of
each objective's loss. The CSV files take {(combiner, optimizer): outcome}, the figure takes {combiner: outcome}.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rl.commands.inspection.figures import agreement_colors, write_figure
from rl.reports.pyplot import pyplot


def write_numbers(outcomes: Mapping, file: Path) -> Path:
    """Writes whatif.csv, one line per combiner and optimizer, and returns the file.

    Columns: combiner, optimizer, row_weight/<group>, norm of the step Δw on the shared weights, and for each objective
    its change of loss: expected/ to first order, changes/ on the batch of the step, elsewhere/ on another batch.
    """
    any_outcome = next(iter(outcomes.values()))
    kinds = ("expected", "changes", "elsewhere")
    columns = [f"{kind}/{objective}" for kind in kinds for objective in any_outcome.changes]
    with file.open("w", newline="") as handle:
        writer = csv.writer(handle)
        weights = [f"row_weight/{group}" for group in any_outcome.row_weights]
        writer.writerow(["combiner", "optimizer", *weights, "norm", *columns])
        for (combiner, optimizer), outcome in outcomes.items():
            numbers = [getattr(outcome, kind)[objective] for kind in kinds for objective in outcome.changes]
            norm = float(np.linalg.norm(outcome.step))
            writer.writerow([combiner, optimizer, *outcome.row_weights.values(), norm, *numbers])
    return file


def write_cosines(outcomes: Mapping, file: Path) -> Path:
    """Writes whatif_cosines.csv, the matrix of cosines between the steps, and returns the file.

    Lines and columns are named `<combiner> <optimizer>`.
    """
    from rl.instruments.what_if import cosine_matrix

    names = [f"{combiner} {optimizer}" for combiner, optimizer in outcomes]
    with file.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["", *names])
        cosines = cosine_matrix([outcome.step for outcome in outcomes.values()]).tolist()
        writer.writerows([name, *row] for name, row in zip(names, cosines, strict=True))
    return file


def write_what_if_figure(outcomes: Mapping, own: str, optimizer: str, step: int, folder: Path) -> list[Path]:
    """Writes whatif.png and its event file: the directions' cosines, and each loss's change under each combiner.

    Args:
        outcomes: {combiner: outcome} with one optimizer; own: the run's combiner.
        step: environment steps of the checkpoint, for the title and TensorBoard.
    Returns: [the PNG], or nothing where Matplotlib is missing.
    """
    if (plt := pyplot()) is None:
        return []
    names, objectives = list(outcomes), list(outcomes[own].changes)
    figure, axes = plt.subplots(
        1,
        1 + len(objectives),
        figsize=(8 + 2.5 * len(objectives), 1.5 + 0.32 * len(names)),
        width_ratios=[3.2] + [1] * len(objectives),
        layout="constrained",
    )
    image = _draw_cosines(axes[0], outcomes, agreement_colors(plt))
    figure.colorbar(image, ax=axes[0], fraction=0.046)
    for axis, objective in zip(axes[1:], objectives, strict=True):
        _draw_changes(axis, outcomes, objective)
    axes[1].set_yticks(np.arange(len(names)), names)
    figure.legend(*axes[1].get_legend_handles_labels(), loc="upper right", ncols=2, fontsize=8)
    figure.suptitle(f"One update with {optimizer} from step {step:,}; the run's own combiner is {own}")
    file = write_figure(figure, "whatif", step, folder)
    plt.close(figure)
    return [file]


def _draw_cosines(axis, outcomes: Mapping, colors):
    """Draws the matrix of cosines between the combined gradients, with its numbers; returns the image."""
    from rl.instruments.what_if import cosine_matrix

    names = list(outcomes)
    cosines = cosine_matrix([outcome.direction for outcome in outcomes.values()])
    image = axis.imshow(cosines, vmin=-1, vmax=1, cmap=colors, aspect="auto")
    axis.set_xticks(range(len(names)), names, rotation=90)
    axis.set_yticks(range(len(names)), names)
    for i, row in enumerate(cosines):
        for j, cosine in enumerate(row):
            if np.isfinite(cosine):
                color = "white" if abs(cosine) > 0.7 else "black"
                axis.text(j, i, f"{cosine:.2f}", ha="center", va="center", fontsize=6, color=color)
    axis.set_title("cosine between the combined gradients", fontsize=10)
    return image


def _draw_changes(axis, outcomes: Mapping, objective: str) -> None:
    """Draws bars of the change of an objective's loss under each combiner, on the batch of the step and on another."""
    places = np.arange(len(outcomes))
    axis.barh(places - 0.2, [o.changes[objective] for o in outcomes.values()], 0.4, label="on its batch")
    axis.barh(places + 0.2, [o.elsewhere[objective] for o in outcomes.values()], 0.4, label="on another")
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_yticks(places, [])
    axis.set_ylim(len(outcomes) - 0.5, -0.5)
    axis.ticklabel_format(axis="x", scilimits=(-3, 3))
    axis.set_title(f"change of the\n{objective} loss", fontsize=10)
    axis.grid(axis="x", alpha=0.3)
