"""Export a run's policy: python scripts/export.py RUN --out FOLDER; --help says more."""

from rl.commands.export import command

if __name__ == "__main__":
    command()
