"""A report on run directories: python scripts/report.py DIR …; --help says more."""

from rl.commands.report import command

if __name__ == "__main__":
    command()
