"""The process's environment for TensorFlow: log level, XLA flags, compilation cache.

`prepare` must be called before TensorFlow is imported. It sets, unless the user has set them:

    TF_CPP_MIN_LOG_LEVEL     3 without a GPU, else 2
    TF_ENABLE_ONEDNN_OPTS    0
    XLA_FLAGS                operations in order, and the full width of AVX-512, added to the user's flags

`use_compilation_cache` adds the cache's folder to TF_XLA_FLAGS.
"""

import contextlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from rl import compilation_cache

AS_GIVEN = dict(os.environ)
"""The environment variables as the user set them."""

_TOGETHER = "--xla_cpu_enable_concurrency_optimized_scheduler"
_XLA_FLAGS = {
    # Sequential operations: for ones this small, parallelism costs more than it gains (scripts/benchmarks/README.md).
    _TOGETHER: "false",
    # The full width of AVX-512 where the processor has it; LLVM's default is half of it.
    "--xla_cpu_prefer_vector_width": "512",
}
_TESTED_VERSION = "2.21."  # XLA ends the process at an unknown flag, and these may be unknown to other versions
_DRIVERS = ("/dev/nvidiactl", "/proc/driver/nvidia/version", "/dev/dxg", "/dev/kfd")
_NOTICES = "Could not find cuda drivers on your machine|All log messages before absl::InitializeLog"
"""Lines that TensorFlow prints during its import on a machine without a GPU, at any log level."""


def prepare() -> None:
    """Sets the environment: fewer notices, and the flags under which small networks run fastest.

    XLA flags are set for tested TensorFlow versions only. It also replaces `sys.excepthook`, so that Ctrl-C outside
    training prints one word. It must be called before TensorFlow is imported.
    """
    sys.excepthook = _excepthook
    # Level 3 hides two harmless messages of level error: that there is no GPU, and, for every compiled program that is
    # loaded, that LLVM's setting prefer-no-gather is not a feature of the processor. Real errors raise exceptions or
    # end the process, at any level.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if _has_gpu() else "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # faster for small networks, and one notice fewer
    if _is_tested_version():
        given = os.environ.get("XLA_FLAGS", "")
        flags = [f"{flag}={value}" for flag, value in _XLA_FLAGS.items() if flag not in given]
        os.environ["XLA_FLAGS"] = " ".join([*given.split(), *flags])
    importing = "tensorflow" in sys.modules or any(isinstance(finder, _QuietImport) for finder in sys.meta_path)
    if not importing and not _has_gpu():
        sys.meta_path.insert(0, _QuietImport())


def run_operations_together() -> None:
    """Lets XLA run operations of a program that do not depend on each other at the same time, if there are threads.

    That is for few and large ones, such as those of two critics. It must be called before the first compilation, and
    does nothing if the user has set the flag.
    """
    if _TOGETHER not in AS_GIVEN.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "").replace(f"{_TOGETHER}=false", f"{_TOGETHER}=true")


def use_compilation_cache(where: str | None, *, threads: int) -> str | None:
    """Makes TensorFlow use a compilation cache; must be called before its first operation.

    Args:
        where: a folder, `auto` or None; see `rl.compilation_cache.use`.
        threads: the number of threads that programs are compiled for.
    Returns: a sentence for the user if the cache cannot be used, else None.
    """
    return (
        compilation_cache.use(where, version=_tensorflow_version(), threads=threads) if _is_tested_version() else None
    )


class _QuietImport:
    """An import hook that removes `_NOTICES` from the output of TensorFlow's first import.

    Its C++ libraries write these lines to standard error at any log level.
    """

    def find_spec(self, name, path=None, target=None):
        """The spec of TensorFlow with a quiet loader, None for other modules; called by the import system.

        The hook removes itself when TensorFlow is imported.
        """
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def quiet(module):
                with _without_notices():
                    load(module)

            spec.loader.exec_module = quiet
        return spec


@contextlib.contextmanager
def _without_notices() -> Iterator[None]:
    """Context manager in which standard error passes through a `grep` that removes `_NOTICES`.

    A separate process filters, so that no other line is lost if this process dies.
    """
    if shutil.which("grep") is None:
        yield
        return
    command = ["grep", "--line-buffered", "-vE", _NOTICES]
    # In a new session, since Ctrl-C must not end it before this process has written its last line.
    grep = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=2, stderr=2, start_new_session=True)
    kept = os.dup(2)
    os.dup2(grep.stdin.fileno(), 2)
    grep.stdin.close()
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        with contextlib.suppress(subprocess.TimeoutExpired):  # a child process may still hold the pipe
            grep.wait(1)


def _has_gpu() -> bool:
    """Whether a GPU driver is present, determined without TensorFlow."""
    return any(Path(driver).exists() for driver in _DRIVERS)


def _is_tested_version() -> bool:
    """Whether the flags and the cache are tested with the installed version of TensorFlow."""
    return _tensorflow_version().startswith(_TESTED_VERSION)


def _excepthook(kind: type[BaseException], error: BaseException, trace) -> None:
    """Prints `interrupted.` for Ctrl-C instead of a traceback; the exit code is still that of the signal."""
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("interrupted.\n")
    else:
        sys.__excepthook__(kind, error, trace)


def _tensorflow_version() -> str:
    """The installed version of TensorFlow, without importing it; empty if there is none."""
    for name in ("tensorflow", "tensorflow-cpu"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""
