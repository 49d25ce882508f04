"""What the commands that look at a run have in common: their arguments, and where a figure goes."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rl.commands.answers import add_trust


def add_run_arguments(command: argparse.ArgumentParser) -> None:
    """A run, one of its checkpoints, and a folder."""
    command.add_argument("run", type=Path, help="a run directory")
    command.add_argument("--checkpoint", default="newest", help="newest, best, or a file (default: newest)")
    add_trust(command)
    command.add_argument("--out", type=Path, help="where figures and numbers go (default: RUN/inspect)")


def outputs_of(arguments: argparse.Namespace, command: str, names: Sequence[str]):
    """The folder of a command's files; ConfigError where others stand there by these names."""
    from rl.commands.composition import load_config
    from rl.ownership import Outputs

    load_config(arguments.run)  # a folder that is no run is told before one that cannot be written
    outputs = Outputs(arguments.out or arguments.run / "inspect", command)
    outputs.check(names)
    return outputs


def agreement_colors(plt):
    """The colours of −1 (red) to 1 (blue), as the Gradients tab has them on light ground (static/theme.js)."""
    return plt.matplotlib.colors.LinearSegmentedColormap.from_list("agreement", ["#b2182b", "#f7f7f7", "#2166ac"])


def write_figure(figure, name: str, step: int, folder: Path) -> Path:
    """The figure as `<name>.png`, and in TensorBoard as `inspect/<name>`.

    The event file is named by figure and step, so that the same step drawn again replaces it.
    """
    from rl.tensorboard.images import write_image

    file = folder / f"{name}.png"
    figure.savefig(file, dpi=120)
    write_image(folder / f"events.out.tfevents.{step:012}.{name}", f"inspect/{name}", file.read_bytes(), step)
    return file
