"""Evaluate a trained agent: python scripts/evaluate.py RUN; --help says more."""

from rl.commands.evaluate import command

if __name__ == "__main__":
    command()
