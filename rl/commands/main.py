"""The console command: `tapestry COMMAND …`, equal to the script of each command in scripts/.

An installed package has this command without the repository: it uses the configs packed into the package, and its help
texts and error messages name the command as it was called.
"""

import importlib
import sys
from types import ModuleType
from typing import NamedTuple


class Command(NamedTuple):
    """A command of `rl.commands`: the script that runs the same module, and one line of help."""

    script: str
    what: str


COMMANDS = {
    "train": Command("train.py", "train an agent, or sweep over settings (-m)"),
    "evaluate": Command("evaluate.py", "greedy returns of a run's checkpoint"),
    "inspect": Command("inspect_gradients.py", "rows, leak audit and what other rules would do, without training"),
    "report": Command("report.py", "tables and figures of run directories"),
    "export": Command("export.py", "what a run learned, as a TensorFlow SavedModel"),
    "tags": Command("tags.py", "the tags that a run logs, each with its meaning"),
}
"""{name of the command and of its module in `rl.commands`: its script and its help}."""


def main() -> None:
    """Runs the command that the first argument names; the process ends with that command's exit code.

    Without an argument it prints the list of commands. The exit code of an unknown command is 2. A command's module is
    imported only when it is called, since the import takes a second or more.
    """
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-h", "--help"):
        print("usage: tapestry COMMAND …; tapestry COMMAND --help says more.\n")
        print("\n".join(f"  {command:<10}{entry.what}" for command, entry in COMMANDS.items()))
        sys.exit(0)
    if name not in COMMANDS:
        print(f"error: {name!r} is no command of tapestry; there are {', '.join(COMMANDS)}.", file=sys.stderr)
        sys.exit(2)
    sys.argv = [f"tapestry {name}", *sys.argv[2:]]
    module = importlib.import_module(f"rl.commands.{name}")
    _name_the_command(module, name)
    module.command()


def _name_the_command(module: ModuleType, name: str) -> None:
    """Replaces the script by `tapestry <name>` in the module's docstring, which is its help text."""
    module.__doc__ = (module.__doc__ or "").replace(f"python scripts/{COMMANDS[name].script}", f"tapestry {name}")
