"""What other update rules would do: the step of every combiner and optimizer from one checkpoint and one batch."""

import argparse
import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import hydra
import numpy as np
from hydra.utils import instantiate
from omegaconf import OmegaConf

from rl.commands.composition import CONFIGS
from rl.commands.inspection.figures import add_run_arguments, agreement_colors, outputs_of, write_figure
from rl.commands.inspection.fresh import fresh_batch
from rl.commands.inspection.printing import Column, show
from rl.reports.pyplot import pyplot


def add(commands) -> None:
    """Adds the command with its options to the parser's commands."""
    command = commands.add_parser("whatif", help="what every other rule would do, from one batch", description=__doc__)
    add_run_arguments(command)
    command.set_defaults(run_command=what_if)


def what_if(arguments: argparse.Namespace) -> None:
    """Prints a line for each combiner with the run's own optimizer.

    Writes whatif.csv (every combiner and optimizer), whatif_cosines.csv (between their steps) and whatif.png.
    """
    from rl.instruments.what_if import what_if as outcomes_of

    outputs = outputs_of(arguments, "whatif", ("whatif.csv", "whatif_cosines.csv", "whatif.png"))
    fresh = fresh_batch(arguments.run, arguments.checkpoint, trusted=arguments.trust)
    experiment, config, state, trajectory, step = fresh
    learner = experiment.learner
    groups = next(iter(learner.rules.values())).groups
    own_combiner, own_optimizer = (_own_name(group, config) for group in ("combiner", "optimizer"))
    combiners = _usable(_choices("combiner", own_combiner, config.combiner), len(groups))
    optimizers = _choices("optimizer", own_optimizer, config.optimizer)
    outcomes = outcomes_of(learner, state, trajectory, combiners, optimizers)
    folder = outputs.begin()
    shown = {combiner: outcomes[combiner, own_optimizer] for combiner in combiners}
    numbers, cosines = folder / "whatif.csv", folder / "whatif_cosines.csv"
    title = f"one update with {own_optimizer} from step {step:,}: the run's own rule and what others would have done"
    place = outputs.folder
    rest = f"All numbers are in {place / numbers.name}, the cosines in {place / cosines.name}."
    show(title, _columns(shown, own_combiner, tuple(groups)), rest)
    print(_other_optimizers([name for name in optimizers if name != own_optimizer], place / numbers.name))
    print(f"Cosine to {own_combiner}: of the combined gradients, before the optimizer; step's cosine: of the steps.")
    print("Δ: change of the loss on the batch that the step was made from; elsewhere: on one that it has not seen.")
    print("A step differs from its direction by the optimizer's slots, which are those of the checkpoint for all.")
    print("Learning rates are those of the checkpoint; of a completed run, those of its beginning.")
    files = [_write_numbers(outcomes, numbers), _write_cosines(outcomes, cosines)]
    files += _figures(shown, own_combiner, own_optimizer, step, folder)
    outputs.finish()
    print("Written: " + ", ".join(str(outputs.folder / file.name) for file in files))


def _own_name(group: str, config) -> str:
    """The option of a config group that the run uses: the one with equal values, or else with the same target."""
    known = {name: _composed(group, name) for name in _names(group)}
    same = [name for name, node in known.items() if node == config[group]]
    alike = [name for name, node in known.items() if node["_target_"] == config[group]["_target_"]]
    return (same or alike or ["the run's own"])[0]


def _choices(group: str, own: str, node) -> dict:
    """{option: instance} of a config group, first the run's own with the run's numbers, then others with defaults."""
    nodes = {name: _composed(group, name) for name in _names(group)} | {own: node}
    return {name: instantiate(nodes[name]) for name in [own, *(name for name in nodes if name != own)]}


def _names(group: str) -> list[str]:
    """The options of a config group."""
    return sorted(file.stem for file in (CONFIGS / group).glob("*.yaml") if not file.stem.startswith("_"))


def _composed(group: str, name: str):
    """The config of a group's option with its default numbers."""
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        composed = hydra.compose("train", overrides=[f"{group}={name}"])
    return OmegaConf.create(OmegaConf.to_container(composed, resolve=True))[group]


def _usable(combiners: Mapping, num_rows: int) -> dict:
    """The combiners that accept this number of rows, one for each group of objectives."""
    from rl.errors import ConfigError

    usable = {}
    for name, combiner in combiners.items():
        try:
            combiner.init(num_rows)
        except ConfigError:
            continue
        usable[name] = combiner
    return usable


def _other_optimizers(names: Sequence[str], file: Path) -> str:
    """A sentence on the optimizers that the table leaves out, and the file that has them."""
    if not names:
        return "There is no other optimizer."
    optimizers = "optimizer is" if len(names) == 1 else "optimizers are"
    return f"{len(names)} further {optimizers} in {file}: {', '.join(names)}."


def _columns(outcomes: Mapping, own: str, groups: Sequence[str]) -> list[Column]:
    """The table's columns, a line for each combiner.

    In a narrow terminal the cosine of the directions, the changes of the losses and the row weights stay longest.

    Args:
        outcomes: {combiner: outcome}; own: the run's combiner; groups: names of the groups of objectives.
    """
    from rl.instruments.what_if import cosine_matrix

    every, mine = list(outcomes.values()), outcomes[own]

    def column(heading: str, number: Callable[[Any], float], form: str, rank: int, style: str = "") -> Column:
        return Column(heading, [format(number(outcome), form) for outcome in every], rank, style=style)

    columns = [Column("combiner", [f"[bold]{name}[/]" if name == own else name for name in outcomes], is_name=True)]
    columns += [column(f"w {group}", lambda x, g=group: x.row_weights[g], ".3g", 2) for group in groups]
    columns += [
        column(f"cosine to {own}", lambda x: cosine_matrix([x.direction, mine.direction])[0, 1], ".3f", 0),
        column("|Δw|", lambda x: np.linalg.norm(x.step), ".3g", 3),
        column("step's cosine", lambda x: cosine_matrix([x.step, mine.step])[0, 1], ".3f", 4),
    ]
    for objective in mine.changes:
        columns += [
            column(f"Δ{objective}", lambda x, o=objective: x.changes[o], "+.2e", 1),
            column(f"Δ{objective} elsewhere", lambda x, o=objective: x.elsewhere[o], "+.2e", 5, "dim"),
        ]
    return columns


def _write_numbers(outcomes: Mapping, file: Path) -> Path:
    """Writes whatif.csv: row weights, norm of the step and changes of the losses of {(combiner, optimizer): outcome}.

    Returns the file.
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


def _write_cosines(outcomes: Mapping, file: Path) -> Path:
    """Writes whatif_cosines.csv: the cosine between any two steps, of {(combiner, optimizer): outcome}."""
    from rl.instruments.what_if import cosine_matrix

    names = [f"{combiner} {optimizer}" for combiner, optimizer in outcomes]
    with file.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["", *names])
        cosines = cosine_matrix([outcome.step for outcome in outcomes.values()]).tolist()
        writer.writerows([name, *row] for name, row in zip(names, cosines, strict=True))
    return file


def _figures(outcomes: Mapping, own: str, optimizer: str, step: int, folder: Path) -> list[Path]:
    """Writes the figure of the directions' cosines and the losses' changes; no file where Matplotlib is missing."""
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
    """A matrix of the cosines between the combined gradients, with the numbers in it; returns the image."""
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
    """Bars of an objective's change of loss under each combiner, on the batch of the step and on another one."""
    places = np.arange(len(outcomes))
    axis.barh(places - 0.2, [o.changes[objective] for o in outcomes.values()], 0.4, label="on its batch")
    axis.barh(places + 0.2, [o.elsewhere[objective] for o in outcomes.values()], 0.4, label="on another")
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_yticks(places, [])
    axis.set_ylim(len(outcomes) - 0.5, -0.5)
    axis.ticklabel_format(axis="x", scilimits=(-3, 3))
    axis.set_title(f"change of the\n{objective} loss", fontsize=10)
    axis.grid(axis="x", alpha=0.3)
