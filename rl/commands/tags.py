"""The tags that a run logs, and what each means: python scripts/tags.py [RUN] [--match PATTERN]

Without RUN it lists all families of tags: names of the agent stand in <angle brackets>, and a part in [square brackets]
may be missing. The same tags are TensorBoard's, and the columns of metrics.csv.
"""

import argparse
import fnmatch
import re
import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path

from rl.runtime import prepare

prepare()

from rl.commands.answers import report_errors
from rl.errors import require
from rl.runs.layout import METRICS
from rl.runs.reader import RecordedRun
from rl.tag_meanings import FAMILIES, meaning

_LONGEST = 46  # characters of a tag beside its sentence; a longer tag has a line of its own
_PLACEHOLDER = re.compile(r"<\w+>")
_UNKNOWN = "A tag of an agent, probe or environment of your own."


def main() -> None:
    """Prints each tag with its sentence.

    Raises: ConfigError where the folder is no run, or no tag matches.
    """
    arguments = _arguments()
    listed = _of_run(arguments.run) if arguments.run else [(family.form, family.meaning) for family in FAMILIES]
    pattern = arguments.match if set("*?[") & set(arguments.match) else f"*{arguments.match}*"
    found = [(tag, sentence) for tag, sentence in listed if fnmatch.fnmatchcase(_PLACEHOLDER.sub("…", tag), pattern)]
    require(bool(found), f"no tag of {arguments.run or 'a run'} matches --match {arguments.match!r}.")
    print("\n".join(_lines(found, width=shutil.get_terminal_size((120, 24)).columns)))


def _of_run(run: Path) -> list[tuple[str, str]]:
    """[(tag, sentence)] of the columns of metrics.csv. Raises: ConfigError, DamagedError."""
    recorded = RecordedRun(run)
    require(not recorded.missing(METRICS), f"{run} is not a run directory with a log: it has no {METRICS}.")
    return [(tag, meaning(tag) or _UNKNOWN) for tag in recorded.metrics.columns if tag != "step"]


def _lines(found: Sequence[tuple[str, str]], *, width: int) -> list[str]:
    """The tags at the left and their sentences at the right, wrapped to a width in characters."""
    left = min(_LONGEST, max(len(tag) for tag, _ in found))
    lines = []
    for tag, sentence in found:
        first, *rest = textwrap.wrap(sentence, max(30, width - left - 2))
        lines += [f"{tag:<{left}}  {first}"] if len(tag) <= left else [tag, f"{'':<{left}}  {first}"]
        lines += [f"{'':<{left}}  {more}" for more in rest]
    return lines


def _arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", help="a run directory; without it, all families of tags")
    parser.add_argument(
        "--match", default="*", metavar="PATTERN", help="list tags that contain this, or match its * and ?"
    )
    return parser.parse_args()


def command() -> None:
    """Runs the command line; the process ends with its exit code."""
    report_errors(main)
