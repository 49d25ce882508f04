"""The console command: tapestry train|evaluate|inspect|report …"""

import importlib
import sys

COMMANDS = {
    "train": "train an agent, or sweep over settings (-m)",
    "evaluate": "greedy returns of a run's checkpoint",
    "inspect": "rows, the leak audit and what other rules would do, without training",
    "report": "tables and figures of run directories",
}


def main() -> None:
    """Runs the command that the first argument names; the process ends with its exit code."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-h", "--help"):
        print("usage: tapestry COMMAND …; tapestry COMMAND --help says more.\n")
        print("\n".join(f"  {command:<10}{what}" for command, what in COMMANDS.items()))
        sys.exit(0)
    if name not in COMMANDS:
        print(f"error: {name!r} is no command of tapestry; there are {', '.join(COMMANDS)}.", file=sys.stderr)
        sys.exit(2)
    sys.argv = [f"tapestry {name}", *sys.argv[2:]]
    importlib.import_module(f"rl.commands.{name}").command()
