"""Which objective's gradient reaches which weight: none, zero or non-zero, for every update of an agent.

Fails where a gradient reaches weights that the agent does not declare, or misses some that it declares.
"""

import argparse
from collections.abc import Collection, Mapping
from pathlib import Path

import hydra

from rl.commands.answers import add_trust
from rl.commands.command_line import quoted_text
from rl.commands.composition import build
from rl.commands.inspection.printing import Column, show
from rl.commands.restoring import load_run
from rl.config_files import CONFIGS

_STYLES = {"none": "dim", "zero": "yellow", "non-zero": "bold green"}


def add(commands) -> None:
    """Adds the command `audit` with its options to the parser's commands."""
    help_ = "which objective's gradient reaches which weight"
    command = commands.add_parser("audit", help=help_, description=__doc__)
    command.add_argument("overrides", nargs="*", help="a run directory, or overrides as for training")
    command.add_argument("--config-dir", type=Path, help="a folder of configs of your own, as for training")
    add_trust(command)
    command.set_defaults(run_command=audit)


def audit(arguments: argparse.Namespace) -> None:
    """Prints a table of weights × objectives, for a run's newest checkpoint or for a config with overrides.

    A cell is `none` where the tape finds no path from the objective to the weight, `zero` where the gradient of one
    batch is 0 throughout, and `non-zero` elsewhere.

    Raises: LeakError where a gradient does not follow the agent's declaration; ConfigError for bad input.
    """
    from rl.errors import require

    given = arguments.overrides
    run = Path(given[0]) if given and ("=" not in given[0] or Path(given[0]).is_dir()) else None
    require(
        run is None or len(given) == 1,
        f"audit {' '.join(given)}: a run directory has its config, and takes no overrides; give one or the other.",
    )
    if run is not None:
        experiment, _ = load_run(run, "newest", trusted=arguments.trust)
    else:
        folder = arguments.config_dir
        own = [] if folder is None else [f"hydra.searchpath=[{quoted_text(f'file://{folder.resolve()}')}]"]
        with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
            experiment = build(hydra.compose("train", overrides=[*given, *own]))
    tables = experiment.audit()
    columns = _columns(tables, experiment.learner.shared, experiment.learner.model.network.names)
    show("which objective's gradient reaches which weight", columns, "A wider terminal or a larger COLUMNS shows all.")
    print("Every objective reaches what it declares, and nothing else.")


def _columns(
    tables: Mapping[str, Mapping[str, Mapping[str, str]]], shared: Collection[str], parts: Collection[str]
) -> list[Column]:
    """One line per weight and one column per objective, whose heading names its update if there are several.

    A weight that an update does not read has a dash.

    Args:
        tables: {update: {objective: {weight: none, zero or non-zero}}}.
        shared, parts: the parts that several groups of objectives share, and all parts of the network.
    """
    reached = {
        objective if len(tables) == 1 else f"{update}: {objective}": weights
        for update, table in tables.items()
        for objective, weights in table.items()
    }
    names = list(dict.fromkeys(name for weights in reached.values() for name in weights))
    columns = [Column("weight", names, is_name=True), Column("part", [_kind(name, shared, parts) for name in names], 1)]
    for heading, weights in reached.items():
        cells = [f"[{_STYLES[weights[name]]}]{weights[name]}[/]" if name in weights else "–" for name in names]
        columns.append(Column(heading, cells))
    return columns


def _kind(weight: str, shared: Collection[str], parts: Collection[str]) -> str:
    """Whether a weight is shared, private to a head, or a frozen copy's."""
    part = weight.split("/", maxsplit=1)[0]
    return "shared" if part in shared else "private" if part in parts else "frozen copy"
