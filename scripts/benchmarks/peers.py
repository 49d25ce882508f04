"""Runs the programs of scripts/peers, each with the Python of its own environment."""

import json
import subprocess
from typing import Any

from benchmarks.runs import SCRIPTS
from rl.runtime import AS_GIVEN


def peer_line(python: str, program: str, *arguments: str) -> dict[str, Any]:
    """The JSON line that a peer prints; its standard error is passed through.

    Args:
        python: the interpreter of the peer's environment.
        program: a file of scripts/peers.
        arguments: the program's options.
    Raises: CalledProcessError where the peer fails.
    """
    command = [python, str(SCRIPTS / "peers" / program), *arguments]
    printed = subprocess.run(command, env=AS_GIVEN, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(printed.splitlines()[-1])


def peer_rate(python: str, program: str, *arguments: str) -> float:
    """The steps per second that a peer prints; see `peer_line`."""
    return peer_line(python, program, *arguments)["steps_per_second"]
