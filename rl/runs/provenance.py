"""The provenance of a run: package versions, threads and commit, as summary.json records them.

The weights depend on all three; on threads in their last bits only, since they change the order of summation.
"""

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
    """{name: version} of this package, Python, TensorFlow and the other packages on which a run's numbers depend.

    Raises: PackageNotFoundError where one of them is not installed.
    """
    packages = {name: importlib.metadata.version(name) for name in _PACKAGES}
    own = {"tapestry-rl": rl.__version__, "python": platform.python_version(), "tensorflow": tf.__version__}
    return {**own, **packages}


def threads() -> int:
    """CPU threads that TensorFlow uses within an operation in this process; 0 means its own choice."""
    return tf.config.threading.get_intra_op_parallelism_threads()


@functools.cache
def git_commit() -> str | None:
    """The commit hash of the code, followed by `+changes` if tracked files differ from it.

    None where the code is in no repository, as in an installed package, and where git is missing. The result of the
    first call is cached, since it is closest to the code that was imported.
    """
    if _git("ls-files", "--error-unmatch", Path(rl.__file__).name) is None:
        return None  # the package may be installed within another project's repository
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None
    return f"{commit}+changes" if _git("status", "--porcelain", "-uno") else commit


def _git(*arguments: str) -> str | None:
    """The output of a git command in the package's folder; None where git is missing or fails."""
    command = ["git", *arguments]
    try:
        result = subprocess.run(command, cwd=Path(rl.__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return result.stdout.strip()
