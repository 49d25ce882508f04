"""What a run writes for TensorBoard."""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.histogram import summary_v2 as histogram
from tensorboard.plugins.hparams import api as hparams_api
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.summary import session_end_pb
from tensorboard.plugins.text.summary_v2 import text_pb

from rl.tensorboard.event_files import EventFile
from rl.tensorboard.gramians import Legend, gramian_summary
from rl.tensorboard.layout import layout_summary

_ENDS = {"completed": api_pb2.STATUS_SUCCESS, "failed": api_pb2.STATUS_FAILURE}


class Writer:
    """Scalars, histograms, text, hyperparameters and the layout of one run, in one event file."""

    def __init__(self, folder: Path):
        self._file = EventFile(folder)

    def begin(self, config_text: str, hyperparameters: Mapping[str, bool | float | str]) -> None:
        """Writes the composed config as text, and begins a session of the HParams tab.

        Without an `hparams_config`, TensorBoard computes the columns from all runs' sessions; with one it would take
        the first that it meets, and show the keys of no other run.

        Args:
            config_text: YAML.
            hyperparameters: {key: value}, one type a key over all runs.
        """
        self._file.write(text_pb("config", f"```yaml\n{config_text}```"), 0)
        # An empty trial makes the run a row of its own; runs with the same trial would be averaged.
        self._file.write(hparams_api.hparams_pb(dict(hyperparameters), trial_id=""), 0)
        self.flush()

    def end(self, status: str, step: int) -> None:
        """Ends the session of the HParams tab, where the run was completed or failed.

        It stands one step after the run's last: a run that goes on from its last checkpoint drops it.
        """
        if status in _ENDS:
            end = session_end_pb(_ENDS[status])  # with TensorFlow's class of the message, not TensorBoard's
            self._file.write(Summary.FromString(end.SerializeToString()), step + 1)

    def layout(self, tags: Collection[str]) -> None:
        """The Custom Scalars tab of a run that will have scalars of these tags; written once."""
        self._file.write(Summary.FromString(layout_summary(tags)), 0)

    def scalars(self, numbers: Mapping[str, float], step: int) -> None:
        """All scalars of a moment in one record (a `tf.summary.scalar` each takes 0.1 ms); NaN is left out."""
        self._file.write(scalars_summary(numbers), step)

    def gramian(self, gramian: np.ndarray, legend: Legend, step: int) -> None:
        """The rows' Gramians [L, R, R] of a moment, for the Gradients tab."""
        self._file.write(gramian_summary(gramian, legend), step)

    def histograms(self, arrays: Mapping[str, np.ndarray], step: int) -> None:
        """A histogram of each array's entries."""
        summary = Summary()
        for tag, array in arrays.items():
            summary.MergeFrom(histogram.histogram_pb(tag, np.asarray(array).reshape(-1), buckets=30))
        self._file.write(summary, step)

    def flush(self) -> None:
        """To the disk's cache."""
        self._file.flush()

    def sync(self) -> None:
        """To the disk; StorageError where the file there is not what was written."""
        self._file.sync()

    def close(self) -> None:
        """Ends the event file."""
        self._file.close()


def scalars_summary(numbers: Mapping[str, float]) -> Summary:
    """{tag: number} as one summary, without what is NaN."""
    return Summary(
        value=[Summary.Value(tag=tag, simple_value=float(x)) for tag, x in numbers.items() if not np.isnan(x)]
    )
