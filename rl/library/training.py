"""An experiment in Python: the packaged configs, composed and trained as by the command, a step at a time.

From a notebook:

    run = experiment("agent=ppo", "environment=compiled/cartpole", "steps=100_000")
    run.train(iterations=50)
    print(run.rows().cosines, run.metrics.last_return())
    run.combiner = "upgrad"
    run.train()
"""

import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rl.commands import in_python
from rl.errors import ConfigError, TrainingError, require
from rl.library.interruptible import interruptible
from rl.runs.reader import Metrics, RecordedRun

if TYPE_CHECKING:
    import tensorflow as tf

    from rl.library.rows import Rows
    from rl.runs.scores import Evaluation
    from rl.updates.combiners import Combiner

_open: weakref.WeakValueDictionary[Path, "Training"] = weakref.WeakValueDictionary()
"""{run directory: the object of this process that trains in it}."""


def experiment(*overrides: str, folder: str | Path | None = None, quiet: bool = False) -> "Training":
    """Composes an experiment from the packaged configs, checks it, and opens its run directory; nothing is trained yet.

        experiment("agent=sac", "environment=compiled/pendulum", "seed=3", folder="runs/mine")

    Configs, checks and run directory are those of `tapestry train` with the same overrides, and so are the weights, bit
    for bit. Where the directory holds a part of this run, the experiment stands at its newest checkpoint;
    "fresh=true" starts over. An earlier experiment of this process in the same directory is closed first, so that a
    notebook's cell can be executed again.

    Args:
        overrides: `group=choice` and `key=value`, as on the command line; without a shell they need no quotes.
        folder: the run directory; None for the command's, `runs/<experiment>/<what differs>__seed-<seed>`.
        quiet: whether to print nothing and to draw no progress bar.
    Raises: ConfigError or LeakError, with the sentence that the command would print; BusyError where another process
        trains in the directory.
    """
    given = [*overrides, *(["logging.progress=false"] if quiet else [])]
    with in_python.composed(in_python.with_folder(given, folder)):
        earlier = _open.get(in_python.run_directory())
    if earlier is not None:
        earlier.close()
    training = Training(in_python.opened(given, folder, quiet=quiet))
    _open[training.folder] = training
    return training


class Training:
    """A run that its user trains some iterations at a time; `experiment` makes it.

    Its directory is at any time that of an interrupted run, or of a complete one: TensorBoard shows it, and
    `tapestry train` resumes it. Training happens in a thread of its own, and no signal handler is installed: an
    interrupt (Ctrl-C, or a notebook's stop button) ends `train` after the current host call, which takes about a
    second, with everything saved, and `train` can go on. Weights do not depend on how the iterations were divided
    among calls, on `rows`, or on `evaluate`.

    `close`, the end of a `with` block, and the end of the process save, and release the directory.
    """

    def __init__(self, opened: in_python.Opened):
        """opened: the run, as `rl.commands.in_python.opened` returns it."""
        self._opened = opened
        self._closed: str | None = None
        self._finalizer = weakref.finalize(self, in_python.close, opened)

    def train(self, iterations: int | None = None) -> "Training":
        """Trains on from where the run stands, and saves; evaluates, logs and saves in between as the command does.

        Args:
            iterations: how many; it ends earlier at the run's end (`steps=…`). None trains to the run's end.
        Returns: this object, so that `experiment(…).train(iterations=50)` is one line.
        Raises: ConfigError for a number below 1, or where the run is complete; NonFiniteError, BadEnvironmentError and
            StorageError as in the command, after which the object is closed; KeyboardInterrupt after saving.
        """
        require(
            iterations is None or (type(iterations) is int and iterations >= 1),
            f"iterations is {iterations!r}; it must be a whole number, at least 1, or None for all that are left.",
        )
        self._advance(self.num_iterations if iterations is None else self.iteration + iterations, save=True)
        return self

    def step(self) -> dict[str, float]:
        """Trains one iteration, and logs it; the next `train`, `close` or the end of the process saves it.

        Returns: {tag: number} of the iteration, NaN for what was not measured in it. Raises: as `train`.
        """
        self._advance(self.iteration + 1, save=False)
        return {tag: float(column[-1]) for tag, column in self._run.newest.items()}

    def rows(self) -> "Rows":
        """The row of every objective on the shared weights, at the current weights, without coefficients.

        In a compiled environment they are taken on the first minibatch of the next iteration; in any other, whose steps
        cannot be taken back, on that of the newest iteration. Nothing is trained, and the weights that training
        reaches do not change.

        Returns: `rl.Rows`, with the variables of the live shared weights.
        Raises: ConfigError where no weights are shared, or before the first iteration outside of compiled environments.
        """
        from rl.library.agent_rows import agent_rows  # noqa: PLC0415 (it compiles nothing before it is used)

        self._require_open()
        return interruptible(lambda _: agent_rows(self._run))

    @property
    def combiner(self) -> "Combiner":
        """The combiner; assigning the name of one in configs/combiner/ goes on with that, as `set_combiner` does."""
        return self._run.experiment.learner.combiner

    @combiner.setter
    def combiner(self, name: str) -> None:
        self.set_combiner(name)

    def set_combiner(self, name: str, **settings: Any) -> None:
        """Goes on with another combiner from the next iteration on.

            run.set_combiner("cagrad", c=0.3, scope="layer")

        Kept are weights, optimizer slots, frozen copies, statistics, memory, counters, and the environments with their
        episodes. Only the combiner's own state, if it has one (GradNorm, GradVac), begins anew. The log goes on in the
        same directory, whose `.hydra/config.yaml` has the new combiner and `.hydra/changes.yaml` the step of the
        change, by which reports tell the run from others. The overrides that it began with no longer resume it.

        Args:
            name: of a file in configs/combiner/.
            settings: those that differ from the defaults there.
        Raises: ConfigError for a name or setting that does not exist or fit; the run is then as before.
        """
        self._require_open()
        require(isinstance(name, str), f"combiner is {name!r}; give the name of one in configs/combiner/ (combiner).")
        require(not self._is_complete, f"{self._complete} Its combiner cannot change any more.")
        self._opened = interruptible(lambda _: in_python.with_combiner(self._opened, name, settings))

    def evaluate(self, episodes: int = 100, *, seed: int = 0) -> "Evaluation":
        """Evaluates the greedy policy at the current weights, on the same episodes as `tapestry evaluate`.

        Args: episodes: their number, ≥ 1; seed: of the episodes, ≥ 0.
        Returns: `.returns` [episodes], undiscounted, and `.summary()` with mean, std, iqm, episodes and cut.
        Raises: ConfigError for numbers out of range; BadEnvironmentError where the environment fails.
        """
        self._require_open()
        most = 1_000_000
        for key, number, least in (("episodes", episodes, 1), ("seed", seed, 0)):
            fits = type(number) is int and least <= number <= most
            require(fits, f"{key} is {number!r}; it must be a whole number from {least} to {most:,}.")
        return interruptible(lambda stop: in_python.evaluated(self._opened, episodes, seed, stop))

    @property
    def metrics(self) -> Metrics:
        """What the run has logged so far, of every iteration: `.columns` {tag: [K]}, `.steps` [K], `.last_return()`.

        An iteration that was not trained yet has no row; before the first one there are no columns.
        """
        recorded = RecordedRun(self.folder)
        return Metrics() if recorded.missing("metrics.csv") else recorded.metrics

    @property
    def weights(self) -> "dict[str, tf.Variable]":
        """{name: variable} of the live weights, such as `torso/dense_0/kernel`."""
        parts = self._run.experiment.variables.weights.values()
        return {variable.name.split(":")[0]: variable for part in parts for variable in part}

    @property
    def folder(self) -> Path:
        """The run directory."""
        return self._opened.directory.path

    @property
    def settings(self) -> dict[str, Any]:
        """{dotted key: value} of the composed config."""
        return in_python.settings_of(self._opened)

    @property
    def steps(self) -> int:
        """Environment steps done."""
        return self._run.experiment.steps

    @property
    def iteration(self) -> int:
        """Iterations done."""
        return self.steps // self._run.experiment.learner.steps_per_iteration

    @property
    def num_iterations(self) -> int:
        """Iterations of the whole run."""
        return self._run.experiment.learner.num_iterations

    def close(self) -> None:
        """Saves, closes the environments, and releases the run directory; an untouched directory is removed.

        Raises: StorageError where the directory cannot be written; what was not saved is then lost.
        """
        was_open, self._closed = self._closed is None, self._closed or "it was closed"
        try:
            if was_open:
                interruptible(lambda _: self._run.save())
        finally:
            self._finalizer()

    def __enter__(self) -> "Training":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def __repr__(self) -> str:
        total = self.num_iterations * self._run.experiment.learner.steps_per_iteration
        newest = self.metrics.last_return()
        shown = "" if np.isnan(newest) else f", return {newest:.1f}"
        return f"Training({self.folder}: step {self.steps:,} of {total:,}{shown})"

    @property
    def _run(self) -> Any:
        return self._opened.run

    @property
    def _is_complete(self) -> bool:
        return self.iteration >= self.num_iterations

    @property
    def _complete(self) -> str:
        """A sentence on a complete run."""
        return f"{self.folder} is complete at step {self.steps:,}: give more steps (steps), or start over (fresh=true)."

    def _require_open(self) -> None:
        """Raises ConfigError if the object was closed."""
        require(self._closed is None, f"this experiment cannot go on: {self._closed}. Make it again: experiment(…).")

    def _advance(self, end: int, *, save: bool) -> None:
        """Trains up to iteration `end` or the run's end."""
        self._require_open()
        require(not self._is_complete, self._complete)
        end = min(end, self.num_iterations)
        try:
            interruptible(lambda stop: self._run.advance(end, stop=stop, save=save))
        except (TrainingError, ConfigError) as error:
            self._closed = f"it stopped ({str(error).rstrip('.')})"
            self._finalizer()
            raise
