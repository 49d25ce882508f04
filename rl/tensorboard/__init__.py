"""What a run shows in TensorBoard."""

from rl.tensorboard.event_files import drop_after
from rl.tensorboard.writer import Writer

__all__ = ["Writer", "drop_after"]
