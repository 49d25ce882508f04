"""A training run: from a built experiment and a folder to a finished summary, across interruptions."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from rl.environments import Environment
from rl.errors import BadEnvironmentError, DamagedError, NonFiniteError, StorageError, require
from rl.reductions import last_return
from rl.runs.checkpoints import Checkpoint, read_checkpoint, restore
from rl.instruments.diagnosis import diagnose, environments_fault, save_fault
from rl.runs.evaluation import Evaluation, Evaluator
from rl.runs.experiment import Experiment
from rl.runs.interrupts import Interrupts
from rl.runs.log_repair import Rates
from rl.runs.loop import Stretch, iterations
from rl.runs.progress import ProgressBar
from rl.runs.record import Description, Record, began_together, common_steps, loadable
from rl.runs.directory import RunDirectory
from rl.runs.settings import RunSettings
from rl.learning.seeds import Purpose, fold
from rl.learning.state import assign, named_variables
from rl.runs.storage import storing
from rl.runs.videos import record as record_video

_MAX_EVALUATION_ENVS = 100


class Run:
    """Trains an experiment: from the start, or on from the newest checkpoint.

    One run, or several in one program, each with a directory of its own in which nothing tells that it was not alone.
    """

    def __init__(
        self,
        experiment: Experiment,
        directories: Sequence[RunDirectory],
        settings: RunSettings,
        *,
        descriptions: Sequence[Description],
        say: Callable[[str], None],
        fresh: bool = False,
        after: "Run | None" = None,
    ):
        """
        Puts the newest checkpoint's numbers, or the initial weights, into the experiment; nothing is written yet.

        Args:
            directories, descriptions: of each run; the directories are locked.
            say: where a sentence for the user goes.
            fresh: whether to start over where there are checkpoints; `run` then removes what was there.
            after: a run of the same experiment, restarted since, and the same settings: what was compiled for it is
                used again.
        Raises: ConfigError where a checkpoint does not fit.
        """
        require(
            settings.evaluation.videos == 0 or not experiment.learner.environment.compiled,
            f"evaluation.videos is {settings.evaluation.videos}, but a compiled environment draws no pictures; set "
            "evaluation.videos=0, or choose a Gymnasium environment.",
        )
        self.experiment, self.settings, self._say = experiment, settings, say
        self._named = named_variables(experiment.variables)
        self._saved: int | None = None
        self._per_iteration = experiment.learner.steps_per_iteration
        probe_every = max(settings.probe.every_iterations, self._in_iterations(settings.probe.every_steps))
        self._programs = after._programs if after else experiment.programs(probe_every=probe_every)
        self._programs.recall({})
        prober = experiment.prober
        rates = Rates(self._per_iteration, self._in_iterations(settings.logging.every_steps), self._total)
        legend = prober.legend if prober else None
        self._records = [
            Record(directory, description, rates, keep=settings.checkpoint.keep, legend=legend)
            for directory, description in zip(directories, descriptions, strict=True)
        ]
        self._evaluator: Evaluator | None = after._evaluator if after else None
        self._can_save = False
        """Whether the variables hold what was logged last, and nothing else."""
        self._fresh = fresh or any(record.starting_over for record in self._records)
        self._resumed = None if self._fresh else self._restore()
        if self._resumed is None and settings.checkpoint.load is not None:
            self._load_weights(loadable(Path(settings.checkpoint.load)))

    def run(self) -> list[dict[str, Any]]:
        """Trains to the end or to a signal; returns each run's summary, whose `status` says which.

        Raises: NonFiniteError after saving the batch; BadEnvironmentError, and the SystemExit of an environment, after
        saving what was trained; StorageError. The summaries say `failed` then, with the error.
        """
        try:
            with Interrupts() as interrupted:
                self._programs.compile(self._say)
                self._resume_or_start()
                self._can_save = True
                complete = self._train(interrupted) and not (self.settings.evaluation.videos and interrupted())
                if complete:
                    self._record_videos()
                else:
                    self._save_unless_saved()
            return self._write_summaries("completed" if complete else "interrupted")
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            own = self._environments_own(error)
            with contextlib.suppress(StorageError):  # the first error is the one to tell
                return self._stopped_by(own)
            raise own from own.__cause__
        finally:
            self._close()

    def evaluate_again(self) -> list[dict[str, Any]] | None:
        """Evaluates complete runs anew, as these settings have it, and puts the results into their summaries.

        Their logs and checkpoints stay as they are. None where a signal came before the end.
        """
        try:
            with Interrupts() as interrupted:
                evaluations = self._evaluate(stop=interrupted)
            if evaluations is None:
                return None
            return [record.evaluated_again(one) for record, one in zip(self._records, evaluations, strict=True)]
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            own = self._environments_own(error)
            if isinstance(own, KeyboardInterrupt):
                return None
            raise own from own.__cause__
        finally:
            self._close()

    def _stopped_by(self, error: BaseException) -> list[dict[str, Any]]:
        """Saves what can be saved, and writes what stopped the runs; raises it, unless it was Ctrl-C."""
        if isinstance(error, BadEnvironmentError | SystemExit | KeyboardInterrupt) and self._can_save:
            self._save_unless_saved()
        if isinstance(error, SystemExit):
            self._say(f"The environment ended this process (SystemExit: {error.code}) after step {self.steps:,}.")
        if isinstance(error, KeyboardInterrupt):
            return self._write_summaries("interrupted")
        # TensorFlow's own errors go on with the graph, line after line.
        words = str(error).splitlines()[0] if isinstance(error, tf.errors.OpError) else str(error)
        self._write_summaries("failed", error=f"{type(error).__name__}: {words}")
        raise error from error.__cause__

    @property
    def steps(self) -> int:
        """Environment steps done, of each run."""
        return int(np.max(self.experiment.variables.iteration)) * self._per_iteration

    def _restore(self) -> list[Checkpoint] | None:
        """The numbers of the newest sound checkpoint, put into the variables; None where there is no checkpoint."""
        damaged: list[DamagedError] = []
        for steps in common_steps(self._records):
            try:
                checkpoints, files = zip(*(record.read(steps) for record in self._records), strict=True)
                for checkpoint, file in zip(checkpoints, files, strict=True):
                    self._check_counters(checkpoint, steps, file)
                break
            except DamagedError as error:
                damaged.append(error)
        else:
            if damaged:
                raise damaged[0]
            begun = [str(record.directory.path) for record in self._records if record.checkpoint_steps]
            require(
                began_together(self._records),
                f"{', '.join(begun[:2])} and others of these runs are not at the same step, so they cannot go on "
                "together; train each by itself (seeds=1), or all anew (fresh=true).",
            )
            if begun:
                self._say("Not all of these runs have a first checkpoint yet: they start over.")
            return None
        if damaged:
            self._say(f"{damaged[0]} The one before it is taken.")
        arrays = self._all_together([checkpoint.arrays for checkpoint in checkpoints])
        restore(self._named, arrays, source=str(files[0]))
        self._programs.recall(self._all_together([checkpoint.rows for checkpoint in checkpoints]))
        return list(checkpoints)

    def _check_counters(self, checkpoint: Checkpoint, steps: int, file: Path) -> None:
        """DamagedError where the iterations done, the steps in the meta and those of the name are not the same."""
        done = int(checkpoint.arrays["iteration"]) * self._per_iteration if "iteration" in checkpoint.arrays else steps
        if not done == checkpoint.meta["steps"] == steps:
            raise DamagedError(
                f"{file} is not a usable checkpoint: by its name it is of step {steps:,}, by its meta of "
                f"{checkpoint.meta['steps']:,}, by its counter of {done:,}."
            )

    def _resume_or_start(self) -> None:
        """Goes on with the log as it was at the checkpoint; without one, starts over in an empty directory.

        The summaries say so first: a crash in between leaves runs to which the same holds.
        """
        for record in self._records:
            if damage := record.directory.damage():
                self._say(f"{damage} It is written anew.")
        if self._resumed is None:
            for record in self._records:
                if not self._fresh and record.has_log_alone:
                    self._say(f"{record.directory.path} has a log but no checkpoint: it starts over.")
            self._write_summaries("running", starting_over=True)
            for record in self._records:
                record.begin()
            self._write_summaries("running")
            return
        self._write_summaries("running")
        due = self._evaluation_due(self.steps // self._per_iteration)
        for record, checkpoint in zip(self._records, self._resumed, strict=True):
            for sentence in record.go_on(checkpoint, evaluation_due=due):
                self._say(f"{record.directory.path}: {sentence}.")
        note, self._saved = "", self.steps
        if not self.experiment.learner.environment.restorable:
            self._fresh_episodes()
            note = " Gymnasium environments cannot be put back: they start fresh episodes."
        self._say(f"Going on from step {self.steps:,}.{note}")

    def _load_weights(self, file: Path) -> None:
        """The live weights and observation statistics of another run's checkpoint; the frozen copies follow."""
        kept = (*self.experiment.learner.model.network.names, "normalizer/observation")
        kept = tuple(f"{part}/" for part in kept)
        arrays = {name: x for name, x in read_checkpoint(file).arrays.items() if name.startswith(kept)}
        named = {name: variable for name, variable in self._named.items() if name.startswith(kept)}
        arrays = {name: self._together([x] * len(self._records)) for name, x in arrays.items()}
        restore(named, arrays, source=str(file))
        for copy in self.experiment.variables.frozen.values():
            tf.nest.map_structure(
                lambda frozen, weight: frozen.assign(weight), copy.weights, self.experiment.variables.weights
            )
        self._say(f"Starting from the weights of {file}.")
        seen, now = arrays.get("normalizer/observation/count"), self.experiment.learner.normalizer.observations
        if seen is not None and bool(np.max(seen) > 0) != now:
            without, with_ = ("without", "with") if now else ("with", "without")
            self._say(
                f"They were trained {without} normalised observations, and go on {with_} them (normalize.observations)."
            )

    def _fresh_episodes(self) -> None:
        learner, variables = self.experiment.learner, self.experiment.variables
        state, observation = learner.environment.reset(
            fold(variables.seed, Purpose.ENVIRONMENT, variables.iteration, -1)
        )
        variables.environment.assign(state)
        variables.observation.assign(observation)
        for running in (*variables.episodes, variables.normalizer.returns):
            running.assign(tf.zeros_like(running))

    def _train(self, interrupted: Interrupts) -> bool:
        """Trains, logs, evaluates and saves; whether it came to the end."""
        settings, learner = self.settings, self.experiment.learner
        intervals = (
            settings.evaluation.every_steps,
            settings.checkpoint.every_steps,
            settings.probe.histograms_every_steps,
        )
        if any(record.waits for record in self._records) and not self._end_of_stretch(interrupted):
            return False
        stretches = iterations(
            self._programs,
            start=self.steps // self._per_iteration,
            end=learner.num_iterations,
            boundaries=[self._in_iterations(interval) for interval in intervals],
            stop=interrupted,
        )
        with ProgressBar(self._total, show=settings.logging.progress) as bar:
            for stretch in stretches:
                self._log(stretch)
                if not self._end_of_stretch(interrupted):
                    return False
                metrics = stretch.chunk.metrics
                newest = last_return(metrics["episode/return"], metrics["episode/count"], share=0)
                rate = sum(record.rate for record in self._records)
                bar.update(self.steps, rate, None if np.isnan(newest) else newest)
        return self.steps == self._total

    def _log(self, stretch: Stretch) -> None:
        """Logs a stretch; raises what its last iteration failed by."""
        of_each = [stretch.of(number) if self.experiment.many else stretch for number in self._numbers]
        bad = [number for number in self._numbers if of_each[number].chunk.metrics["bad_update"][-1] >= 0]
        end = stretch.first_iteration + stretch.num_iterations
        last, due = end == self.experiment.learner.num_iterations, self._evaluation_due(end)
        error = self._failure(of_each[bad[0]], bad[0]) if bad else None
        self._can_save = not bad
        if isinstance(error, BadEnvironmentError):
            of_each = [of_one.without_last() for of_one in of_each]
            assign(self.experiment.variables, stretch.chunk.basis[0])  # as they were before the rollout
            self._can_save = True
        for record, of_one in zip(self._records, of_each, strict=True):
            record.iterations(of_one, last=last or bool(bad), evaluation_due=due and not bad)
        if error is not None:
            raise error
        if end % self._in_iterations(self.settings.probe.histograms_every_steps) == 0:
            self._histograms(of_each)

    def _end_of_stretch(self, interrupted: Interrupts) -> bool:
        """The evaluation and the checkpoint that are due; whether no signal cut the evaluation off.

        An evaluation that is cut off is made from the checkpoint when the run is resumed.
        """
        end = self.steps // self._per_iteration
        regular, last = end % self._in_iterations(self.settings.checkpoint.every_steps) == 0, self.steps == self._total
        waiting, best = [record.waits for record in self._records], [False] * len(self._records)
        if any(waiting):
            evaluations = self._evaluate(stop=interrupted)
            if evaluations is None:
                return False
            best = [
                record.waits and record.evaluated(evaluation, self.steps, last=last)
                for record, evaluation in zip(self._records, evaluations, strict=True)
            ]
            regular |= not all(waiting)  # the others were saved after it
        if regular or any(best) or last:
            self._save(best)
        return True

    def _record_videos(self) -> None:
        for number in range(self.settings.evaluation.videos):
            environment = self.experiment.make_environment(num_envs=1, render_mode="rgb_array", vectorization="sync")
            file = self._records[0].directory.videos / f"episode_{number}.mp4"
            seed = fold(self.experiment.variables.seed, Purpose.EVALUATION, -1, number)
            limit = self.settings.evaluation.max_steps
            with storing(self._records[0].directory.path):
                frames, cut = record_video(environment, self.experiment.greedy, file, seed=seed, max_steps=limit)
            self._close_environment(environment)
            self._say(f"Video: {file} ({frames:,} frames{', cut there' if cut else ''}).")

    def _evaluate(self, stop: Callable[[], bool]) -> Sequence[Evaluation] | None:
        if self._evaluator is None:
            settings = self.settings.evaluation
            self._evaluator = make_evaluator(self.experiment, settings.episodes, max_steps=settings.max_steps)
        seeds = np.reshape(self.experiment.variables.seed, (-1, 2))
        iteration = self.steps // self._per_iteration
        return self._evaluator.run([fold(seed, Purpose.EVALUATION, iteration) for seed in seeds], stop=stop)

    def _histograms(self, of_each: Sequence[Stretch]) -> None:
        weights = {
            f"weights/{variable.name.split(':')[0]}": variable.numpy()
            for part in self.experiment.variables.weights.values()
            for variable in part
        }
        for record, of_one, number in zip(self._records, of_each, self._numbers, strict=True):
            rows = {f"row/{objective}": row for objective, row in of_one.chunk.rows.items()}
            record.histograms({**{name: self._of(x, number) for name, x in weights.items()}, **rows}, self.steps)

    def _save(self, best: Sequence[bool], *, interim: bool = False) -> None:
        """Saves all runs; only then the best ones are replaced and old checkpoints go."""
        arrays = {name: variable.numpy() for name, variable in self._named.items()}
        rows = {objective: np.asarray(row) for objective, row in self._programs.rows.items()}
        for number, record in enumerate(self._records):
            of_one, of_rows = ({name: self._of(x, number) for name, x in all_.items()} for all_ in (arrays, rows))
            record.save(of_one, of_rows, steps=self.steps, interim=interim, num_runs=len(self._records))
        for record, is_best in zip(self._records, best, strict=True):
            record.settle(best=is_best)
        self._saved = self.steps

    def _save_unless_saved(self) -> None:
        if self.steps and self.steps != self._saved:
            self._save([False] * len(self._records), interim=True)

    def _close(self) -> None:
        for record in self._records:
            with contextlib.suppress(OSError, tf.errors.OpError):  # all that counts was synced with a checkpoint
                record.close()
        self._close_environment(self.experiment.learner.environment)
        if self._evaluator is not None:
            self._close_environment(self._evaluator.environment)

    def _failure(self, stretch: Stretch, number: int) -> NonFiniteError | BadEnvironmentError:
        """Where the number that is not finite came from; the batch is kept, unless the environment gave it."""
        chunk, record = stretch.chunk, self._records[number]
        bad = int(chunk.metrics["bad_update"][-1])
        learnt_from = self._programs.learnt_from(chunk)
        before, trajectory = tf.nest.map_structure(lambda x: self._of(x, number), learnt_from)
        if environments := environments_fault(self.experiment.learner, before, trajectory):
            return BadEnvironmentError(environments)
        fault = diagnose(self.experiment.learner, before, trajectory, bad)
        file = record.directory.path / "failure.npz"
        with storing(record.directory.path):
            save_fault(fault, self.experiment.learner.model.network.names, file)
        return NonFiniteError(
            f"{fault} (step {self.steps:,}). The minibatch and the weights it met are in {file}. "
            "Usual causes: a learning rate that is too high (optimizer.learning_rate), rewards of a large scale "
            "(normalize)."
        )

    def _close_environment(self, environment: Environment) -> None:
        """Closes it, and says so where that does not go well: what the run came to stands already."""
        try:
            environment.close()
        except (Exception, KeyboardInterrupt) as error:
            self._say(f"Not closed: {error or type(error).__name__}.")

    def _environments_own(self, error: BaseException) -> BaseException:
        """What was raised inside an environment, which TensorFlow wraps; otherwise the error itself."""
        if not isinstance(error, tf.errors.OpError):
            return error
        environments = [self.experiment.learner.environment]
        environments += [self._evaluator.environment] if self._evaluator else []
        return next((e.exception for e in environments if getattr(e, "exception", None)), error)

    def _write_summaries(self, status: str, **more: Any) -> list[dict[str, Any]]:
        updates = np.ravel(self.experiment.variables.updates)
        return [
            record.write_summary(status, steps=self.steps, updates=int(done), **more)
            for record, done in zip(self._records, updates, strict=True)
        ]

    @property
    def _numbers(self) -> range:
        return range(len(self._records))

    def _together(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """The arrays of each run as the variables hold them."""
        return np.stack(arrays) if self.experiment.many else arrays[0]

    def _all_together(self, of_each: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """{name: arrays of each run as the variables hold them}, of the names that all have."""
        names = [name for name in of_each[0] if all(name in of_one for of_one in of_each)]
        return {name: self._together([of_one[name] for of_one in of_each]) for name in names}

    def _of(self, array: np.ndarray, number: int) -> np.ndarray:
        """One run's share of what a variable holds."""
        return array[number] if self.experiment.many else array

    @property
    def _total(self) -> int:
        """Environment steps at the end, of each run."""
        return self.experiment.learner.num_iterations * self._per_iteration

    def _evaluation_due(self, iteration: int) -> bool:
        """Whether there is an evaluation after so many iterations."""
        every = self._in_iterations(self.settings.evaluation.every_steps)
        return iteration > 0 and (iteration % every == 0 or iteration == self.experiment.learner.num_iterations)

    def _in_iterations(self, steps: int) -> int:
        return max(1, round(steps / self._per_iteration))


def make_evaluator(experiment: Experiment, episodes: int, *, max_steps: int) -> Evaluator:
    """An evaluator with as many environments a run as divide the episodes, at most a hundred.

    max_steps: at which an episode is cut.
    """
    num_envs = max(n for n in range(1, _MAX_EVALUATION_ENVS + 1) if episodes % n == 0)
    # A process for each of a hundred environments would be too much.
    one_process = {"vectorization": "sync"} if experiment.learner.environment.in_processes else {}
    return Evaluator(
        lambda num_envs: experiment.make_environment(num_envs=num_envs, **one_process),
        experiment.greedy,
        episodes=episodes,
        num_envs=num_envs,
        max_steps=max_steps,
        num_runs=experiment.num_runs,
    )
