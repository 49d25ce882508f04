"""Measure: python scripts/benchmark.py speed|compiled|scatter|seeds|start|threads|limit|profile|rows|…; see --help.

Rates of this project come from runs of scripts/train.py as a user starts them. Only `combiners`, `rows` and probes
are timed as programs that alternate in one process. Rivals alternate within a round, since machines are noisy and only
ratios from the same minutes mean something; figures are medians over the rounds.
"""

import argparse

from rl.runtime import prepare

prepare()

from benchmarks import (
    combiners,
    compiled,
    heads,
    learning,
    limit,
    memory,
    off_policy,
    off_policy_learning,
    probes,
    profile,
    rows,
    scatter,
    seeds,
    shared_torso,
    speed,
    start,
    threads,
)

from rl.commands.answers import report_errors

_COMMANDS = (
    speed,
    compiled,
    heads,
    scatter,
    seeds,
    start,
    threads,
    limit,
    off_policy,
    memory,
    profile,
    combiners,
    rows,
    probes,
    learning,
    off_policy_learning,
    shared_torso,
)


def main() -> None:
    """Dispatches to the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="command")
    for command in _COMMANDS:
        command.add(commands)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    report_errors(main)
