"""What other update rules would do: the step of every combiner and optimizer from one checkpoint and one batch."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import hydra
import numpy as np
from hydra.utils import instantiate
from omegaconf import OmegaConf

from rl.commands.inspection.figures import add_run_arguments, outputs_of
from rl.commands.inspection.fresh import fresh_batch
from rl.commands.inspection.printing import Column, show
from rl.commands.inspection.what_if_files import write_cosines, write_numbers, write_what_if_figure
from rl.config_files import CONFIGS
from rl.errors import ConfigError


def add(commands) -> None:
    """Adds the command `whatif` with its options to the parser's commands."""
    command = commands.add_parser("whatif", help="what every other rule would do, from one batch", description=__doc__)
    add_run_arguments(command)
    command.set_defaults(run_command=what_if)


def what_if(arguments: argparse.Namespace) -> None:
    """Prints one line per combiner with the run's own optimizer, and writes numbers and figure.

    whatif.csv has every combiner with every optimizer, whatif_cosines.csv the cosines between their steps, and
    whatif.png the combiners with the run's optimizer; it is left out where Matplotlib is missing.

    Raises: ConfigError where the run cannot be restored, shares no weights, or the files cannot be written.
    """
    from rl.instruments.what_if import combining_update
    from rl.instruments.what_if import what_if as outcomes_of

    outputs = outputs_of(arguments, "whatif", ("whatif.csv", "whatif_cosines.csv", "whatif.png"))
    fresh = fresh_batch(arguments.run, arguments.checkpoint, trusted=arguments.trust)
    experiment, config, state, trajectory, step = fresh
    learner = experiment.learner
    update = combining_update(learner)
    groups = learner.rules[update].combined
    own_combiner, own_optimizer = (_own_name(group, config) for group in ("combiner", "optimizer"))
    combiners = _usable(_choices("combiner", own_combiner, config.combiner), learner.rules[update])
    optimizers = _choices("optimizer", own_optimizer, config.optimizer)
    print(f"{len(combiners)} combiners with {len(optimizers)} optimizers, on one batch …", file=sys.stderr, flush=True)
    outcomes = outcomes_of(learner, state, trajectory, combiners, optimizers)
    folder = outputs.begin()
    shown = {combiner: outcomes[combiner, own_optimizer] for combiner in combiners}
    numbers, cosines = folder / "whatif.csv", folder / "whatif_cosines.csv"
    title = f"one update with {own_optimizer} from step {step:,}: the run's own rule and what others would have done"
    place = outputs.folder
    rest = f"All numbers are in {place / numbers.name}, the cosines in {place / cosines.name}."
    show(title, _columns(shown, own_combiner, groups), rest)
    print(_other_optimizers([name for name in optimizers if name != own_optimizer], place / numbers.name))
    if len(learner.updates) > 1:
        others = ", ".join(name for name in learner.updates if name != update)
        print(f"All of this is about the update {update!r}; the agent's other updates are {others}.")
    print(f"Cosine to {own_combiner}: of the combined gradients, before the optimizer; step's cosine: of the steps.")
    print("Δ: change of the loss on the batch that the step was made from; elsewhere: on one that it has not seen.")
    print("A step differs from its direction by the optimizer's slots, which are those of the checkpoint for all.")
    print("Learning rates are those of the checkpoint; of a completed run, those of its beginning.")
    files = [write_numbers(outcomes, numbers), write_cosines(outcomes, cosines)]
    files += write_what_if_figure(shown, own_combiner, own_optimizer, step, folder)
    outputs.finish()
    print("Written: " + ", ".join(str(outputs.folder / file.name) for file in files))


def _own_name(group: str, config) -> str:
    """The option of a config group that the run uses.

    It is the option with equal values, or else the first with the same `_target_`; without either, `the run's own`.

    Args:
        group: `combiner` or `optimizer`; config: of the run.
    """
    known = {name: _composed(group, name) for name in _names(group)}
    same = [name for name, node in known.items() if node == config[group]]
    alike = [name for name, node in known.items() if node["_target_"] == config[group]["_target_"]]
    return (same or alike or ["the run's own"])[0]


def _choices(group: str, own: str, node) -> dict:
    """{option: instance} of a config group: first the run's own with its values, then the others with their defaults.

    Args:
        own: the option that the run uses; node: its config.
    """
    nodes = {name: _composed(group, name) for name in _names(group)} | {own: node}
    return {name: instantiate(nodes[name]) for name in [own, *(name for name in nodes if name != own)]}


def _names(group: str) -> list[str]:
    """The options of a config group."""
    return sorted(file.stem for file in (CONFIGS / group).glob("*.yaml") if not file.stem.startswith("_"))


def _composed(group: str, name: str):
    """The config of a group's option with its default values."""
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        composed = hydra.compose("train", overrides=[f"{group}={name}"])
    return OmegaConf.create(OmegaConf.to_container(composed, resolve=True))[group]


def _usable(combiners: Mapping, rule) -> dict:
    """The combiners that accept the rows of an update's rule, one for each group of objectives."""
    usable = {}
    for name, combiner in combiners.items():
        try:
            combiner.init(len(rule.combined))
            combiner.check(rule.combined, tuple(rule.groups))
        except ConfigError:
            continue
        usable[name] = combiner
    return usable


def _other_optimizers(names: Sequence[str], file: Path) -> str:
    """A sentence on the optimizers that the table leaves out; file: the CSV file that has them."""
    if not names:
        return "There is no other optimizer."
    optimizers = "optimizer is" if len(names) == 1 else "optimizers are"
    return f"{len(names)} further {optimizers} in {file}: {', '.join(names)}."


def _columns(outcomes: Mapping, own: str, groups: Sequence[str]) -> list[Column]:
    """The table's columns, one line per combiner.

    In a narrow terminal the cosine of the directions, the changes of the losses and the row weights are left out last.

    Args:
        outcomes: {combiner: outcome} with the run's optimizer.
        own: the run's combiner; the others are compared with its direction and step.
        groups: the names of the groups of objectives, one row weight each.
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
