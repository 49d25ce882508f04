"""The Python of the recipes' environment, which has PyTorch, Stable-Baselines3 and JAX and no TensorFlow."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_LIMIT = 1800  # seconds; PyTorch alone is some hundred megabytes


def recipes_python(root: Path) -> Path:
    """The interpreter in $TAPESTRY_RECIPES or .recipes/, made there if neither exists; skips the test without one."""
    given = os.environ.get("TAPESTRY_RECIPES")
    if given:
        python = Path(given) / "bin" / "python"
        assert python.exists(), f"TAPESTRY_RECIPES={given} is no virtual environment"
        return python
    folder = root / ".recipes"
    if not folder.exists():
        _make(folder, root / "recipes" / "requirements.txt")
    return folder / "bin" / "python"


def _make(folder: Path, requirements: Path) -> None:
    """Makes the environment under another name first, so that one that was cut off is not taken for a whole one."""
    partial = folder.with_name(".recipes.partial")
    shutil.rmtree(partial, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(partial)], check=True)
    pip = [
        str(partial / "bin" / "python"),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--retries",
        "1",
        "--timeout",
        "15",
    ]
    try:
        made = subprocess.run(
            [*pip, "install", "--quiet", "-r", str(requirements)],
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
        failure = made.stderr.strip().splitlines()[-1:] if made.returncode else None
    except subprocess.TimeoutExpired:
        failure = [f"it took more than {_LIMIT} s"]
    if failure is not None:
        shutil.rmtree(partial)
        pytest.skip(f"the recipes' environment cannot be made here, see recipes/README.md: {''.join(failure)}")
    partial.rename(folder)
