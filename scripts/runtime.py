"""What has to be set in the process's environment before TensorFlow is imported; whatever the user has set stays."""

import importlib.metadata
import os
import sys

AS_GIVEN = dict(os.environ)
"""The environment as the user gave it."""

_XLA_FLAGS = {
    # In order: beside one another, operations this small wait longer than they gain (benchmarks/README.md).
    "--xla_cpu_enable_concurrency_optimized_scheduler": "false",
    # AVX-512 in full where the processor has it; LLVM would stop at half of it.
    "--xla_cpu_prefer_vector_width": "512",
}
_TRIED = "2.21."  # XLA ends the process at a flag that it does not know, and another version may not know these


def prepare() -> None:
    """Few notices, and the settings under which small networks run fastest."""
    sys.excepthook = _without_a_traceback
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # faster for small networks, and one notice less
    if _tensorflow().startswith(_TRIED):
        given = os.environ.get("XLA_FLAGS", "")
        flags = [f"{flag}={value}" for flag, value in _XLA_FLAGS.items() if flag not in given]
        os.environ["XLA_FLAGS"] = " ".join([*given.split(), *flags])


def _without_a_traceback(kind: type[BaseException], error: BaseException, trace) -> None:
    """Ctrl-C outside of training, as in a start, is one word; the exit code stays a signal's."""
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted.", file=sys.stderr)
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
