"""Which objective's gradient reaches which weight: none, zero or non-zero.

Fails where a gradient reaches weights that the agent does not declare, or misses some that it declares.
"""

import argparse
from pathlib import Path

import hydra

from rl.commands.answers import add_trust
from rl.commands.composition import CONFIGS, build, load_run
from rl.commands.inspection.printing import Column, show

_STYLES = {"none": "dim", "zero": "yellow", "non-zero": "bold green"}


def add(commands) -> None:
    """Adds the command with its options to the parser's commands."""
    help_ = "which objective's gradient reaches which weight"
    command = commands.add_parser("audit", help=help_, description=__doc__)
    command.add_argument("overrides", nargs="*", help="a run directory, or overrides as for scripts/train.py")
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
        with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
            experiment = build(hydra.compose("train", overrides=arguments.overrides))
    found = experiment.audit()
    network = experiment.learner.model.network
    names = list(next(iter(found.values())))

    def kind(name: str) -> str:
        part = name.split("/", maxsplit=1)[0]
        return "shared" if part in network.shared else "private" if part in network.names else "frozen copy"

    columns = [Column("weight", names, is_name=True), Column("part", [kind(name) for name in names], 1)]
    for objective, reached in found.items():
        columns.append(Column(objective, [f"[{_STYLES[reached[name]]}]{reached[name]}[/]" for name in names]))
    show("which objective's gradient reaches which weight", columns, "A wider terminal, or COLUMNS=160, shows all.")
    print("Every objective reaches what it declares, and nothing else.")
