"""Train an agent: python scripts/train.py [group=choice …] [key=value …]; --help says what there is."""

from rl.commands.train import command

if __name__ == "__main__":
    command()
