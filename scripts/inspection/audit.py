"""Which objective's gradient reaches which weight: none, zero or non-zero; fails where an agent does not declare it."""

import argparse
from pathlib import Path

import hydra
from composition import CONFIGS, build, load_run
from rich.table import Table

from inspection.printing import show

_STYLES = {"none": "dim", "zero": "yellow", "non-zero": "bold green"}


def add(commands) -> None:
    """The command and its options."""
    help_ = "which objective's gradient reaches which weight"
    command = commands.add_parser("audit", help=help_, description=__doc__)
    command.add_argument("overrides", nargs="*", help="a run directory, or overrides as for scripts/train.py")
    command.set_defaults(run_command=audit)


def audit(arguments: argparse.Namespace) -> None:
    """The table of objective × weight, from a run's newest checkpoint, or from configs/ and the overrides."""
    run = Path(arguments.overrides[0]) if arguments.overrides and "=" not in arguments.overrides[0] else None
    if run is not None:
        experiment, _ = load_run(run, "newest")
    else:
        with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
            experiment = build(hydra.compose("train", overrides=arguments.overrides))
    found = experiment.audit()
    network = experiment.learner.model.network
    table = Table(title="which objective's gradient reaches which weight")
    table.add_column("weight", no_wrap=True)
    table.add_column("part")
    for objective in found:
        table.add_column(objective, justify="right")
    for name in next(iter(found.values())):
        part = name.split("/")[0]
        kind = "shared" if part in network.shared else "private" if part in network.names else "frozen copy"
        table.add_row(name, kind, *(f"[{_STYLES[found[o][name]]}]{found[o][name]}[/]" for o in found))
    show(table)
    print("Every objective reaches what it declares, and nothing else.")
