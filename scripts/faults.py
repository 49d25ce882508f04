"""A fault campaign: python scripts/faults.py [--only KIND …] [--case N] [--seed N] [--folder FOLDER] [--short]

Small runs are disturbed by kills, signals, full and read-only disks, damaged files, bad environments, wrong inputs and
wrong requests. Then the same command runs again, and its files are compared with those of an undisturbed run. The
campaign ends with a table of the cases that survived, and with exit code 1 if anything was lost, duplicated or not
reported. Results are appended to FOLDER/results.jsonl, so that the same command resumes an interrupted campaign. A
whole campaign takes two hours on two cores.
"""

import argparse
import fcntl
import shutil
from pathlib import Path
from typing import IO

from rl.runtime import prepare

prepare()

from rl.commands.answers import not_negative, report_errors


def main() -> int:
    """Tries the cases and prints the table; returns the exit code."""
    import tensorflow as tf
    from faulting.campaign import Results, Setting, run, table
    from faulting.kinds import KINDS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND", help=_said(KINDS))
    parser.add_argument(
        "--case", type=not_negative, help="try only this case of the one kind, also if its result is known"
    )
    parser.add_argument("--seed", type=not_negative, default=0, help="seed of the cases and their moments (default: 0)")
    parser.add_argument(
        "--folder", type=Path, default=Path("runs/faults"), help="folder of results and work (default: runs/faults)"
    )
    parser.add_argument("--short", action="store_true", help="try only a few cases of each kind")
    parser.add_argument("--fresh", action="store_true", help="delete earlier results first")
    arguments = parser.parse_args()
    if arguments.case is not None and len(arguments.only) != 1:
        parser.error("--case is the number of a case of one kind: give --only KIND as well.")
    # The number of the small runs; otherwise the first operation in this process would decide it for all.
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    folder = arguments.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    _lock(folder)
    if arguments.fresh:
        (folder / "results.jsonl").unlink(missing_ok=True)
    setting = Setting(folder / f"work_{arguments.seed}", arguments.seed, arguments.short)
    kinds = {name: KINDS[name] for name in arguments.only}
    found = run(
        kinds, setting, Results(folder / "results.jsonl"), case=arguments.case, say=lambda text: print(text, flush=True)
    )
    given = " --short" if arguments.short else ""
    command = f"python scripts/faults.py --seed {arguments.seed} --folder {arguments.folder}{given}"
    print(table(found, command))
    if all(result.fault is None for result in found):
        shutil.rmtree(setting.folder, ignore_errors=True)
        return 0
    return 1


def _lock(folder: Path) -> None:
    """Locks the folder until this process ends; ConfigError where another campaign holds the lock."""
    from rl.errors import ConfigError

    _held.append((folder / ".lock").open("a"))
    try:
        fcntl.flock(_held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise ConfigError(f"another campaign works in {folder}; choose another --folder.") from None


_held: list[IO] = []


def _said(kinds) -> str:
    return f"only these kinds: {', '.join(kinds)} (default: all)"


if __name__ == "__main__":
    report_errors(main)
