"""The tags that a run logs: python scripts/tags.py [RUN]; --help says more."""

from rl.commands.tags import command

if __name__ == "__main__":
    command()
