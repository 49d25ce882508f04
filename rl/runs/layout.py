"""The layout of a run directory: file names relative to it, and its checkpoints by step. Needs no TensorFlow.

runs/<experiment>/<job>/
  .tapestry  .lock                     the marker of a run's folder, and the lock of the process that trains in it
  .hydra/{config,overrides,hydra}.yaml
  summary.json  metrics.csv  events.out.tfevents.*  failure.npz
  checkpoints/{checkpoint_<steps>,best,memory_<steps>}.npz
  videos/episode_<n>.mp4
  loggers/<name>/                      files of loggers elsewhere, such as wandb
"""

import re
from pathlib import Path

from rl.errors import require

SUMMARY, METRICS, FAILURE = "summary.json", "metrics.csv", "failure.npz"
"""Status and results, the log, and the minibatch of an update that was not finite."""
CONFIG, OVERRIDES, CHOICES = ".hydra/config.yaml", ".hydra/overrides.yaml", ".hydra/hydra.yaml"
"""The composed config, what the command line changed in it, and the option chosen in each config group."""
CHECKPOINTS, VIDEOS, HYDRA, LOGGERS = "checkpoints", "videos", ".hydra", "loggers"
CHANGES = ".hydra/changes.yaml"
"""The combiners that a run in Python went on with, a list of {step, combiner}; missing where none was changed."""
BEST = "best.npz"
"""The best checkpoint, in the folder of the checkpoints."""
MEMORY = "memory_{:012d}.npz"
"""What an agent with a memory keeps at the step of its newest checkpoint, in the folder of the checkpoints."""
POLICY = "policy.json"
"""What describes an exported policy, in the folder of the export."""
_CHECKPOINT = re.compile(r"checkpoint_(\d{1,18})\.npz")


def checkpoint_files(folder: Path) -> dict[int, Path]:
    """{environment steps: file} of the checkpoints in a folder, oldest first, without `best.npz`.

    folder: of the checkpoints; nothing is found where it does not exist.
    Raises: ConfigError where something named like a checkpoint is not a file.
    """
    found = {int(name[1]): file for file in folder.glob("*.npz") if (name := _CHECKPOINT.fullmatch(file.name))}
    best = folder / BEST
    for file in (*found.values(), *([best] if best.exists() else [])):
        require(file.is_file(), f"{file} is not a file, though its name is a checkpoint's; move it away.")
    return dict(sorted(found.items()))
