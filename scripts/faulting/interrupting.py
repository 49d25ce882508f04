"""Runs a script and interrupts it at one of its file operations.

python scripts/faulting/interrupting.py FOLDER NUMBER HOW SCRIPT [ARGUMENT …]

NUMBER counts the operations in FOLDER from 0 on. HOW is KILL, INT or TERM, a signal to this process, or the name of an
error of the operating system, such as ENOSPC, with which this operation and all later ones that write fail. With HOW
none nothing is interrupted, and the operations are listed, numbered, in FOLDER.operations.
"""

import errno
import os
import runpy
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from faulting.operations import Operation, watched

_MAKING_ROOM = ("remove", "rmdir")


def interruption(number: int, how: str, seen: list[Operation]):
    """A callback for `watched` that appends every operation to `seen` and interrupts at one of them.

    Args:
        number: of the operation, from 0 on.
        how: KILL, INT, TERM, an error such as ENOSPC, or none.
    """

    def before(operation: Operation) -> None:
        seen.append(operation)
        here = len(seen) - 1
        if how in ("KILL", "INT", "TERM"):
            if here == number:
                os.kill(os.getpid(), getattr(signal, f"SIG{how}"))
        elif how != "none" and here >= number and operation.kind not in _MAKING_ROOM:
            code = getattr(errno, how)
            raise OSError(code, os.strerror(code), operation.path)

    return before


def main() -> None:
    """Runs the command line; see the module."""
    folder, number, how, script, *arguments = sys.argv[1:]
    seen: list[Operation] = []
    sys.argv = [script, *arguments]
    sys.path[0] = str(Path(script).resolve().parent)
    try:
        with watched(Path(folder), interruption(int(number), how, seen)):
            runpy.run_path(script, run_name="__main__")
    finally:
        if how == "none":
            lines = [f"{place} {operation.kind} {operation.path}\n" for place, operation in enumerate(seen)]
            Path(f"{folder}.operations").write_text("".join(lines))


if __name__ == "__main__":
    main()
