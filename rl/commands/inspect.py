"""Inspect gradients without training: python scripts/inspect_gradients.py COMMAND …; COMMAND --help says more.

audit RUN | [group=choice …] [key=value …]     which objective's gradient reaches which weight
rows RUN                                       from a checkpoint and one batch: every objective's row, layer by layer
whatif RUN                                     from a checkpoint and one batch: what every rule would do
compare RUN …                                  runs side by side: their returns, and measures of their rows
"""

import argparse

from rl.runtime import prepare

prepare()

from rl.commands.answers import report_errors
from rl.commands.inspection import audit, compare, rows, what_if


def main() -> None:
    """Runs the command that the first argument names.

    Raises: ConfigError and LeakError, as documented at the command.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="command")
    for command in (audit, rows, what_if, compare):
        command.add(commands)
    arguments = parser.parse_args()
    arguments.run_command(arguments)


def command() -> None:
    """Runs the command line; the process ends with its exit code."""
    report_errors(main)
