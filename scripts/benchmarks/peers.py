"""The programs of scripts/peers, each run by a Python of its own."""

import json
import subprocess

from benchmarks.runs import SCRIPTS
from rl.runtime import AS_GIVEN


def peer_rate(python: str, program: str, *arguments: str) -> float:
    """Steps per second that a peer prints; what it prints as an error is shown."""
    command = [python, str(SCRIPTS / "peers" / program), *arguments]
    printed = subprocess.run(command, env=AS_GIVEN, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(printed.splitlines()[-1])["steps_per_second"]
