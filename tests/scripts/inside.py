"""A script run inside the tests' process: what a process of its own would print and return, without its imports."""

import contextlib
import io
import runpy
import subprocess
import sys
from unittest.mock import patch

from hydra.core.hydra_config import HydraConfig
from processes import SMALL


def call(root, folder, script, *arguments) -> subprocess.CompletedProcess:
    """Runs scripts/<script> as __main__ in a folder."""
    command = [str(root / "scripts" / script), *arguments]
    printed, errors = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", command),
        patch.object(HydraConfig.instance(), "cfg", None),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(errors),
    ):
        try:
            runpy.run_path(command[0], run_name="__main__")
            code = 0
        except SystemExit as end:
            code = end.code or 0
    return subprocess.CompletedProcess(command, code, printed.getvalue(), errors.getvalue())


def train(root, folder, *overrides, check=True) -> subprocess.CompletedProcess:
    """As `processes.train`."""
    result = call(root, folder, "train.py", *SMALL, *overrides)
    assert not check or result.returncode == 0, result.stdout + result.stderr
    return result
