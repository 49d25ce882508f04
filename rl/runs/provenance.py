"""What a run was made with."""

import functools
import importlib.metadata
import platform
import subprocess
from pathlib import Path

import tensorflow as tf

import rl

_PACKAGES = ("keras", "gymnasium", "numpy", "tensorboard")


@functools.cache
def versions() -> dict[str, str]:
    """Versions of Python, of this package and of what it stands on."""
    packages = {name: importlib.metadata.version(name) for name in _PACKAGES}
    own = {"tapestry-rl": rl.__version__, "python": platform.python_version(), "tensorflow": tf.__version__}
    return {**own, **packages}


def threads() -> int:
    """CPU threads of an operation in this process."""
    return tf.config.threading.get_intra_op_parallelism_threads()


@functools.cache
def git_commit() -> str | None:
    """The commit of the code, with `+changes` where the tree differs from it; None outside a repository.

    As it was when it was first asked for, which is nearer to what was imported.
    """
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
