"""What the commands on one run share: arguments, output files and figures.

By default files go into `inspect/` in the run directory, where TensorBoard finds the figures beside the run's logs.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rl.commands.answers import add_trust


def add_run_arguments(command: argparse.ArgumentParser) -> None:
    """Adds the arguments that name a run, one of its checkpoints, trusted packages and the folder of the output."""
    command.add_argument("run", type=Path, help="a run directory")
    command.add_argument("--checkpoint", default="newest", help="newest, best, or a file (default: newest)")
    add_trust(command)
    command.add_argument("--out", type=Path, help="where figures and numbers go (default: RUN/inspect)")


def outputs_of(arguments: argparse.Namespace, command: str, names: Sequence[str]):
    """The folder to which a command writes, checked before anything is computed.

    names: the files that it may write.
    Raises: ConfigError where the run cannot be read, or the folder holds a file by one of the names that the command
        did not write.
    """
    from rl.commands.restoring import load_config
    from rl.ownership import Outputs

    load_config(arguments.run)  # first, since a missing run matters more than a folder that cannot be written
    outputs = Outputs(arguments.out or arguments.run / "inspect", command)
    outputs.check(names)
    return outputs


def agreement_colors(plt):
    """A Matplotlib colour map from −1 (red) to 1 (blue), with the light colours of the Gradients tab (theme.js)."""
    return plt.matplotlib.colors.LinearSegmentedColormap.from_list("agreement", ["#b2182b", "#f7f7f7", "#2166ac"])


def write_figure(figure, name: str, step: int, folder: Path) -> Path:
    """Writes a figure as `<name>.png`, and for TensorBoard as the image `inspect/<name>` at a step.

    The event file is named after figure and step, so that drawing the same step again replaces it. Returns the PNG.
    """
    from rl.tensorboard.images import write_image

    file = folder / f"{name}.png"
    figure.savefig(file, dpi=120)
    write_image(folder / f"events.out.tfevents.{step:012}.{name}", f"inspect/{name}", file.read_bytes(), step)
    return file
