"""A run that its user advances iteration by iteration, as in a notebook."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from rl.environments import Environment
from rl.learning.chunk import Basis
from rl.runs.description import Description
from rl.runs.experiment import Experiment
from rl.runs.loop import Stretch
from rl.runs.run import Run


class StepwiseRun(Run):
    """A `Run` that trains some iterations at a time and can go on with another combiner; `close` ends it.

    Its directory is that of a run that was interrupted wherever it stands, so that `tapestry train` can resume it.
    """

    basis: Basis | None = None
    """The data that the newest iteration learnt from, see `Programs.learnt_from`; None before the first one."""

    newest: Mapping[str, Any] = MappingProxyType({})
    """{tag: [K]} of the newest K iterations."""

    @property
    def programs(self) -> Any:
        """The programs that train and probe."""
        return self._programs

    def advance(self, end: int, *, stop: Callable[[], bool], save: bool) -> dict[str, Any]:
        """Trains up to iteration `end`, counted from the run's start; the environments stay open.

        Args:
            end: at most the number of iterations of the whole run.
            stop: asked between host calls; ends the training when true.
            save: whether to write a checkpoint where training stops before the run's end.
        Returns: the summary of the first run. Raises: as `run`.
        """
        return self._advance(end, stop, save=save)[0]

    def save(self) -> None:
        """Writes a checkpoint of where training stands, unless there is one. Raises: StorageError."""
        if self._begun and self._can_save:
            self._save_unless_saved()

    def change_to(self, experiment: Experiment, descriptions: Sequence[Description]) -> None:
        """Goes on with another experiment, whose settings the directories record from here on, and saves.

        Args:
            experiment: with the same variables but for those of the combiners' states (`Experiment.with_combiner`).
            descriptions: one per run, with the settings from here on.
        Raises: StorageError where a directory cannot be written.
        """
        self._begin()
        rows = self._programs.rows
        self.experiment, self._learner, self._saved = experiment, experiment.learner, None
        self._programs = experiment.programs(probe_every=self._probe_every)
        self._programs.recall({name: row.numpy() for name, row in rows.items()})
        self._records.change_to(experiment, descriptions)
        self._save_unless_saved()

    @property
    def _environments(self) -> list[Environment]:
        """All open environments, those of evaluations by its user among them."""
        return self.experiment.environments

    def _log(self, stretch: Stretch) -> None:
        """Logs a stretch, and keeps what `basis` and `newest` show of it."""
        self.basis = stretch.chunk.basis
        self.newest = {**stretch.chunk.metrics, **stretch.chunk.findings}
        super()._log(stretch)
