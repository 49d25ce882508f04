"""What has to be set in the process's environment before TensorFlow is imported; whatever the user has set stays."""

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
"""The environment as the user gave it."""

_XLA_FLAGS = {
    # In order: beside one another, operations this small wait longer than they gain (benchmarks/README.md).
    "--xla_cpu_enable_concurrency_optimized_scheduler": "false",
    # AVX-512 in full where the processor has it; LLVM would stop at half of it.
    "--xla_cpu_prefer_vector_width": "512",
}
_TRIED = "2.21."  # XLA ends the process at a flag that it does not know, and another version may not know these
_DRIVERS = ("/dev/nvidiactl", "/proc/driver/nvidia/version", "/dev/dxg", "/dev/kfd")
_NOTICES = "Could not find cuda drivers on your machine|All log messages before absl::InitializeLog"
"""What TensorFlow prints while it is imported on a machine without a GPU, whatever the log level."""


def prepare() -> None:
    """Few notices, and the settings under which small networks run fastest."""
    sys.excepthook = _without_a_traceback
    # 3 leaves out what is logged as an error although it is none: that there is no GPU, and that LLVM's own settings
    # (prefer-no-gather) are no features of the processor, for every compiled program that is loaded. What is wrong
    # comes as an exception or ends the process, at any level.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if _has_gpu() else "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # faster for small networks, and one notice less
    if _is_tried():
        given = os.environ.get("XLA_FLAGS", "")
        flags = [f"{flag}={value}" for flag, value in _XLA_FLAGS.items() if flag not in given]
        os.environ["XLA_FLAGS"] = " ".join([*given.split(), *flags])
    importing = "tensorflow" in sys.modules or any(isinstance(finder, _Quietly) for finder in sys.meta_path)
    if not importing and not _has_gpu():
        sys.meta_path.insert(0, _Quietly())


def use_compilation_cache(where: str | None, *, threads: int) -> str | None:
    """Takes compiled programs from the folder `where` (see `rl.compilation_cache.use`); before TensorFlow's first
    operation. Returns what the user should know.
    """
    return compilation_cache.use(where, version=_tensorflow(), threads=threads) if _is_tried() else None


class _Quietly:
    """Leaves `_NOTICES` out of what the first import of TensorFlow prints."""

    def find_spec(self, name, path=None, target=None):
        """As the import system asks for; this finder steps aside for good once it was asked for TensorFlow."""
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
    """Standard error passes through a process of its own, so that nothing is lost if this one dies meanwhile."""
    if shutil.which("grep") is None:
        yield
        return
    command = ["grep", "--line-buffered", "-vE", _NOTICES]
    # In a session of its own, so that Ctrl-C leaves it to its end.
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
        with contextlib.suppress(subprocess.TimeoutExpired):  # a process that was started meanwhile may hold the pipe
            grep.wait(1)


def _has_gpu() -> bool:
    return any(Path(driver).exists() for driver in _DRIVERS)


def _is_tried() -> bool:
    return _tensorflow().startswith(_TRIED)


def _without_a_traceback(kind: type[BaseException], error: BaseException, trace) -> None:
    """Ctrl-C outside of training, as in a start, is one word; the exit code stays a signal's."""
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("interrupted.\n")
    else:
        sys.__excepthook__(kind, error, trace)


def _tensorflow() -> str:
    """The installed version, without importing it."""
    for name in ("tensorflow", "tensorflow-cpu"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""
