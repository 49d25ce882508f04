"""The TensorBoard writer of one run."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.histogram import summary_v2 as histogram
from tensorboard.plugins.hparams import api as hparams_api
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.metadata import SESSION_START_INFO_TAG
from tensorboard.plugins.hparams.summary import session_end_pb
from tensorboard.plugins.text.summary_v2 import text_pb

from rl.tensorboard.event_file import EventFile
from rl.tensorboard.event_files import tensorflow_records
from rl.tensorboard.series_writer import SeriesWriter

DESCRIPTION = frozenset({"config", SESSION_START_INFO_TAG})
"""The tags of the events that `Writer.begin` writes."""
_ENDS = {"completed": api_pb2.STATUS_SUCCESS, "failed": api_pb2.STATUS_FAILURE}


class Writer(SeriesWriter):
    """Writes scalars, Gramians, histograms, text, hyperparameters and the layout of one run into one event file."""

    def __init__(self, folder: Path):
        super().__init__(EventFile(folder, tensorflow_records))

    def begin(self, config_text: str, hyperparameters: Mapping[str, bool | float | str]) -> None:
        """Writes the composed config as text, and starts a session of the HParams tab.

        No `hparams_config` is written: TensorBoard would use the first one that it finds in a log directory, and hide
        the keys that only other runs have. Without one it derives the columns from the sessions of all runs.

        Args:
            config_text: YAML.
            hyperparameters: {key: value}; a key's values have the same type in all runs.
        """
        self.config(config_text, 0)
        # An empty trial makes the run a row of its own; runs with the same trial would be averaged.
        self._file.write(hparams_api.hparams_pb(dict(hyperparameters), trial_id=""), 0)
        self.flush()

    def config(self, text: str, step: int) -> None:
        """Writes the config that holds from an environment step on, YAML, for the Text tab."""
        self._file.write(text_pb("config", f"```yaml\n{text}```"), step)

    def end(self, status: str, step: int) -> None:
        """Ends the session of the HParams tab if the run has completed or failed.

        The event is written one step after the run's last, so a run that resumes from its last checkpoint drops it.

        Args:
            status: as in `summary.json`; nothing is written for `running` and `interrupted`.
            step: the run's last environment step.
        """
        if status in _ENDS:
            end = session_end_pb(_ENDS[status])  # an instance of TensorFlow's message class, not of TensorBoard's
            self._file.write(Summary.FromString(end.SerializeToString()), step + 1)

    def histograms(self, arrays: Mapping[str, np.ndarray], step: int) -> None:
        """Writes one histogram with 30 bins per array, {tag: array}."""
        summary = Summary()
        for tag, array in arrays.items():
            summary.MergeFrom(histogram.histogram_pb(tag, np.asarray(array).reshape(-1), buckets=30))
        self._file.write(summary, step)

    def sync(self) -> None:
        """Forces all events written so far to disk.

        Raises: StorageError if the file's size on disk is not the number of bytes written.
        """
        self._file.sync()
