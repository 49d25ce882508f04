"""A script run inside the tests' process: what a process of its own would print and return, without its imports."""

import subprocess

from faulting import commands
from processes import SMALL


def call(root, folder, script, *arguments) -> subprocess.CompletedProcess:
    """Runs scripts/<script> as __main__ in a folder."""
    code, printed, errors = commands.call(folder, script, *arguments)
    return subprocess.CompletedProcess([str(root / "scripts" / script), *arguments], code, printed, errors)


def train(root, folder, *overrides, check=True) -> subprocess.CompletedProcess:
    """As `processes.train`."""
    result = call(root, folder, "train.py", *SMALL, *overrides)
    assert not check or result.returncode == 0, result.stdout + result.stderr
    return result
