"""What a run was made with."""

import importlib.metadata
import platform
import subprocess
from pathlib import Path

import rl

_PACKAGES = ("tensorflow", "keras", "gymnasium", "numpy", "tensorboard")


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of what it stands on."""
    packages = {name: importlib.metadata.version(name) for name in _PACKAGES if _is_installed(name)}
    return {"tapestry-rl": rl.__version__, "python": platform.python_version(), **packages}


def git_commit() -> str | None:
    """The commit of the code, with `+changes` where the tree differs from it; None outside a repository."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None
    return f"{commit}+changes" if _git("status", "--porcelain", "-uno") else commit


def _git(*arguments: str) -> str | None:
    command = ["git", *arguments]
    try:
        result = subprocess.run(command, cwd=Path(rl.__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return result.stdout.strip()


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
