"""A training run: from a built experiment and a folder to a finished summary, across interruptions."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from rl.environments import Environment
from rl.errors import BadEnvironmentError, NonFiniteError, StorageError, require
from rl.learning.seeds import Purpose, fold
from rl.learning.state import assign, named_variables
from rl.reductions import last_return
from rl.runs.beginning import begin_episodes, load_weights, restored, together
from rl.runs.directory import RunDirectory
from rl.runs.evaluation import Evaluation, Evaluator
from rl.runs.experiment import Experiment
from rl.runs.failures import close, failure, raised_inside
from rl.runs.interrupts import Interrupts
from rl.runs.log_repair import Rates
from rl.runs.loop import Stretch, iterations
from rl.runs.progress import ProgressBar
from rl.runs.record import Description, Record, loadable
from rl.runs.settings import RunSettings
from rl.runs.storage import storing
from rl.runs.videos import record as record_video


class Run:
    """Trains an experiment: from the start, or on from the newest checkpoint.

    One run, or several in one program, each with a directory of its own that is indistinguishable from that of a solo
    run. It is one pass over the experiment's programs.
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
    ):
        """
        Puts the newest checkpoint's numbers, or the initial weights, into the experiment; nothing is written yet.

        Args:
            directories, descriptions: of each run; the directories are locked.
            say: where a sentence for the user goes.
            fresh: whether to start over where there are checkpoints; `run` then removes what was there.
        Raises: ConfigError where a checkpoint does not fit.
        """
        require(
            settings.evaluation.videos == 0 or not experiment.learner.environment.compiled,
            f"evaluation.videos is {settings.evaluation.videos}, but a compiled environment draws no pictures; set "
            "evaluation.videos=0, or choose a Gymnasium environment.",
        )
        self.experiment, self.settings, self._say = experiment, settings, say
        self._learner, self._axis = experiment.learner, experiment.learner.axis
        self._named = named_variables(experiment.variables)
        self._saved: int | None = None
        self._per_iteration = self._learner.steps_per_iteration
        probe_every = max(settings.probe.every_iterations, self._in_iterations(settings.probe.every_steps))
        self._programs = experiment.programs(probe_every=probe_every)
        self._programs.recall({})
        self._evaluator: Evaluator | None = None  # its environments are made when they are needed
        rates = Rates(self._per_iteration, self._in_iterations(settings.logging.every_steps), self._total)
        legend = experiment.prober.legend if experiment.prober else None
        self._records = [
            Record(directory, description, rates, keep=settings.checkpoint.keep, legend=legend)
            for directory, description in zip(directories, descriptions, strict=True)
        ]
        self._can_save = False
        """Whether the variables hold what was logged last, and nothing else."""
        self._fresh = fresh or any(record.starting_over for record in self._records)
        self._resumed = None if self._fresh else restored(experiment, self._records, say)
        if self._resumed:
            self._programs.recall(together(self._axis, [checkpoint.rows for checkpoint in self._resumed]))
        elif path := settings.load_path:
            load_weights(experiment, loadable(Path(path)), settings.load.parts, say)

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
        return int(self.experiment.variables.iteration) * self._per_iteration

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
        if not self._learner.environment.restorable:
            begin_episodes(self.experiment)
            note = " Gymnasium environments cannot be put back: they start fresh episodes."
        self._say(f"Going on from step {self.steps:,}.{note}")

    def _train(self, interrupted: Interrupts) -> bool:
        """Trains, logs, evaluates and saves; whether it came to the end."""
        settings, learner = self.settings, self._learner
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
        shares = [stretch.of(self._axis, number) for number in self._numbers]
        bad = [number for number in self._numbers if shares[number].chunk.metrics["bad_update"][-1] >= 0]
        end = stretch.first_iteration + stretch.num_iterations
        last, due = end == self._learner.num_iterations, self._evaluation_due(end)
        error = self._failure(shares[bad[0]], bad[0]) if bad else None
        self._can_save = not bad
        if isinstance(error, BadEnvironmentError):
            shares = [share.without_last() for share in shares]
            assign(self.experiment.variables, stretch.chunk.basis[0])  # as they were before the rollout
            self._can_save = True
        for record, share in zip(self._records, shares, strict=True):
            record.iterations(share, last=last or bool(bad), evaluation_due=due and not bad)
        if error is not None:
            raise error
        if end % self._in_iterations(self.settings.probe.histograms_every_steps) == 0:
            self._histograms(shares)

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
            close(environment, self._say)
            self._say(f"Video: {file} ({frames:,} frames{', cut there' if cut else ''}).")

    def _evaluate(self, stop: Callable[[], bool]) -> Sequence[Evaluation] | None:
        settings = self.settings.evaluation
        self._evaluator = self.experiment.evaluator(settings.episodes, max_steps=settings.max_steps)
        seeds = np.reshape(self.experiment.variables.seed, (-1, 2))
        iteration = self.steps // self._per_iteration
        return self._evaluator.run([fold(seed, Purpose.EVALUATION, iteration) for seed in seeds], stop=stop)

    def _histograms(self, shares: Sequence[Stretch]) -> None:
        weights = {
            f"weights/{variable.name.split(':')[0]}": variable.numpy()
            for part in self.experiment.variables.weights.values()
            for variable in part
        }
        for record, share, number in zip(self._records, shares, self._numbers, strict=True):
            rows = {f"row/{objective}": row for objective, row in share.chunk.rows.items()}
            record.histograms({**self._share(weights, number), **rows}, self.steps)

    def _save(self, best: Sequence[bool], *, interim: bool = False) -> None:
        """Saves all runs; only then the best ones are replaced and old checkpoints go."""
        arrays = {name: variable.numpy() for name, variable in self._named.items()}
        rows = {objective: np.asarray(row) for objective, row in self._programs.rows.items()}
        for number, record in enumerate(self._records):
            own, own_rows = self._share(arrays, number), self._share(rows, number)
            record.save(own, own_rows, steps=self.steps, interim=interim, num_runs=len(self._records))
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
        for environment in self._environments:
            close(environment, self._say)

    def _failure(self, share: Stretch, number: int) -> NonFiniteError | BadEnvironmentError:
        """What the last iteration of a run failed by; share: its own."""
        chunk = share.chunk
        return failure(
            self._learner,
            self._programs,
            self._records[number],
            chunk.basis,
            run=number,
            bad_round=int(chunk.metrics["bad_update"][-1]),
            step=self.steps,
        )

    def _environments_own(self, error: BaseException) -> BaseException:
        return raised_inside(error, self._environments)

    @property
    def _environments(self) -> list[Environment]:
        """All that are open."""
        return [self._learner.environment, *([self._evaluator.environment] if self._evaluator else [])]

    def _write_summaries(self, status: str, **more: Any) -> list[dict[str, Any]]:
        updates = sum(np.ravel(count) for count in self.experiment.variables.updates.values())
        return [
            record.write_summary(status, steps=self.steps, updates=int(done), **more)
            for record, done in zip(self._records, updates, strict=True)
        ]

    @property
    def _numbers(self) -> range:
        return range(len(self._records))

    def _share(self, arrays: Mapping[str, np.ndarray], number: int) -> dict[str, np.ndarray]:
        """One run's share of what variables hold."""
        return {name: self._axis.take(array, number) for name, array in arrays.items()}

    @property
    def _total(self) -> int:
        """Environment steps at the end, of each run."""
        return self._learner.num_iterations * self._per_iteration

    def _evaluation_due(self, iteration: int) -> bool:
        """Whether there is an evaluation after so many iterations."""
        every = self._in_iterations(self.settings.evaluation.every_steps)
        return iteration > 0 and (iteration % every == 0 or iteration == self._learner.num_iterations)

    def _in_iterations(self, steps: int) -> int:
        return max(1, round(steps / self._per_iteration))
