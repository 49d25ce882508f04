"""Inspect gradients without training: python scripts/inspect_gradients.py COMMAND …; --help says more."""

from rl.commands.inspect import command

if __name__ == "__main__":
    command()
