"""A training run: from an experiment and a run directory to a final summary, across interruptions."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rl.environments import Environment
from rl.errors import BadEnvironmentError, StorageError
from rl.learning.seeds import Purpose, fold
from rl.learning.state import assign
from rl.reductions import last_return
from rl.runs.beginning import load_weights, loadable, restored, resume, start, together
from rl.runs.description import Description
from rl.runs.directory import RunDirectory
from rl.runs.evaluation import Evaluation, Evaluator
from rl.runs.experiment import Experiment
from rl.runs.failures import close, failure, in_words, raised_inside
from rl.runs.interrupts import Interrupts
from rl.runs.log_repair import Rates
from rl.runs.loggers import Logger, usual_loggers
from rl.runs.loop import Stretch, iterations
from rl.runs.progress import ProgressBar
from rl.runs.records import Records
from rl.runs.settings import RunSettings
from rl.runs.videos import check_videos, record_videos


class Run:
    """Trains an experiment from the start, or resumes it from its newest checkpoint.

    That is one run, or several in one program, each with a directory that is indistinguishable from that of a solo run.
    An instance serves one call of `run` or `evaluate_again`, which closes the environments.
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
        make_loggers: Callable[[], Mapping[str, Logger]] = usual_loggers,
    ):
        """
        Restores the newest checkpoint, or the weights that `load.path` names, into the experiment; writes nothing yet.

        Args:
            directories, descriptions: one per run; the directories are locked.
            say: receives sentences for the user.
            fresh: whether to start over where there are checkpoints; `run` then removes the earlier run's files.
            make_loggers: () → {name: logger} of one run.
        Raises: ConfigError where a checkpoint does not fit; DamagedError where none is sound.
        """
        check_videos(settings.evaluation, experiment.learner.environment)
        self.experiment, self.settings, self._say = experiment, settings, say
        self._learner, self._axis = experiment.learner, experiment.learner.axis
        self._saved: int | None = None
        self._per_iteration = self._learner.steps_per_iteration
        self._probe_every = max(settings.probe.every_iterations, self._in_iterations(settings.probe.every_steps))
        self._programs = experiment.programs(probe_every=self._probe_every)
        self._programs.recall({})
        self._evaluator: Evaluator | None = None  # its environments are created when they are needed
        rates = Rates(self._per_iteration, self._in_iterations(settings.logging.every_steps), self._total)
        kept = {"keep": settings.checkpoint.keep, "remembers": settings.checkpoint.replay}
        self._records = Records(experiment, directories, descriptions, rates, **kept, make_loggers=make_loggers)
        self._begun, self._can_save = False, False
        """Whether the logs were begun, and whether the variables are in the state after the last logged iteration."""
        self._fresh = fresh or any(record.starting_over for record in self._records)
        self._resumed = None if self._fresh else restored(experiment, self._records, say)
        if self._resumed:
            self._programs.recall(together(self._axis, [checkpoint.rows for checkpoint in self._resumed]))
        elif path := settings.load_path:
            load_weights(experiment, loadable(Path(path)), settings.load.parts, say)

    def run(self) -> list[dict[str, Any]]:
        """Trains to the end or until a signal; returns each run's summary, whose `status` says which.

        Raises: NonFiniteError after saving the minibatch; BadEnvironmentError, and the SystemExit of an environment,
        after saving what was trained; StorageError. The summaries then say `failed`, with the error.
        """
        try:
            with Interrupts() as interrupted:
                return self._advance(self._learner.num_iterations, interrupted)
        finally:
            self.close()

    def _advance(self, end: int, stop: Callable[[], bool], *, save: bool = True) -> list[dict[str, Any]]:
        """Trains up to iteration `end` or until `stop()`, and saves where that is not the run's end unless told not to.

        Returns: the summaries. Raises: as `run`.
        """
        try:
            self._programs.compile(self._say)
            self._begin()
            complete = self._train(stop, end) and not (self.settings.evaluation.videos and stop())
            if complete:
                record_videos(self.experiment, self._records[0].directory, self.settings.evaluation, self._say)
            elif save:
                self._save_unless_saved()
            return self._records.write_summaries("completed" if complete else "interrupted")
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            own = raised_inside(error, self._environments)
            with contextlib.suppress(StorageError):  # the first error is the one to report
                return self._stopped_by(own)
            raise own from own.__cause__

    def _begin(self) -> None:
        """Begins or resumes the logs, unless that was done before."""
        if not self._begun:
            self._resume_or_start()
            self._begun = self._can_save = True

    def evaluate_again(self) -> list[dict[str, Any]] | None:
        """Evaluates complete runs again with these settings, and replaces the evaluations in their summaries.

        Logs and checkpoints do not change. Returns the summaries; None where a signal interrupted the evaluation.
        """
        try:
            with Interrupts() as interrupted:
                evaluations = self._evaluate(stop=interrupted)
            if evaluations is None:
                return None
            return [record.evaluated_again(one) for record, one in zip(self._records, evaluations, strict=True)]
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            own = raised_inside(error, self._environments)
            if isinstance(own, KeyboardInterrupt):
                return None
            raise own from own.__cause__
        finally:
            self.close()

    def _stopped_by(self, error: BaseException) -> list[dict[str, Any]]:
        """Saves what can be saved, and records the error that stopped the runs; raises it unless it was Ctrl-C."""
        if isinstance(error, BadEnvironmentError | SystemExit | KeyboardInterrupt) and self._can_save:
            self._save_unless_saved()
        if isinstance(error, SystemExit):
            self._say(
                f"The environment ended this process (SystemExit: {error.code}) after step {self.experiment.steps:,}."
            )
        if isinstance(error, KeyboardInterrupt):
            return self._records.write_summaries("interrupted")
        self._records.write_summaries("failed", error=in_words(error))
        raise error from error.__cause__

    def _resume_or_start(self) -> None:
        """Resumes the logs from the checkpoints, or starts over in empty directories."""
        if self._learner.alternates and not self.settings.checkpoint.replay:
            self._say("Its memory is not saved (checkpoint.replay=false): once interrupted, it resumes without it.")
        if self._resumed is None:
            start(self._records, self._say, fresh=self._fresh)
            return
        self._saved = self.experiment.steps
        due = self._evaluation_due(self._saved // self._per_iteration)
        resume(self.experiment, self._records, self._resumed, self._say, evaluation_due=due)

    def _train(self, interrupted: Callable[[], bool], end: int) -> bool:
        """Trains up to iteration `end`, logs, evaluates and saves; returns whether that was the end of the run."""
        settings = self.settings
        intervals = [settings.evaluation.every_steps, settings.checkpoint.every_steps]
        intervals.append(settings.probe.histograms_every_steps)
        if any(record.waits for record in self._records) and not self._end_of_stretch(interrupted):
            return False
        stretches = iterations(
            self._programs,
            start=self.experiment.steps // self._per_iteration,
            end=end,
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
                bar.update(self.experiment.steps, self._records.rate, None if np.isnan(newest) else newest)
        return self.experiment.steps == self._total

    def _log(self, stretch: Stretch) -> None:
        """Logs a stretch; raises an error if its last iteration has a non-finite update."""
        shares = [stretch.of(self._axis, number) for number in range(len(self._records))]
        bad = [number for number, share in enumerate(shares) if share.chunk.metrics["bad_update"][-1] >= 0]
        end = stretch.first_iteration + stretch.num_iterations
        last, due = end == self._learner.num_iterations, self._evaluation_due(end)
        error = None
        if bad:
            share, step = shares[bad[0]], self.experiment.steps
            error = failure(self._learner, self._programs, self._records[bad[0]], share.chunk, run=bad[0], step=step)
        self._can_save = not bad
        if isinstance(error, BadEnvironmentError):
            shares = [share.without_last() for share in shares]
            if not self._learner.alternates:  # a memory keeps the bad step, so that it is not saved
                assign(self.experiment.variables, stretch.chunk.basis[0])  # as they were before the rollout
                self._can_save = True
        self._records.iterations(shares, last=last or bool(bad), evaluation_due=due and not bad)
        if error is not None:
            raise error
        if end % self._in_iterations(self.settings.probe.histograms_every_steps) == 0:
            self._records.histograms(shares)

    def _end_of_stretch(self, interrupted: Callable[[], bool]) -> bool:
        """Evaluates and saves where that is due; returns false where a signal interrupted the evaluation.

        An interrupted evaluation is repeated from the checkpoint when the run resumes.
        """
        end = self.experiment.steps // self._per_iteration
        regular = end % self._in_iterations(self.settings.checkpoint.every_steps) == 0
        last = self.experiment.steps == self._total
        waiting, best = [record.waits for record in self._records], [False] * len(self._records)
        if any(waiting):
            evaluations = self._evaluate(stop=interrupted)
            if evaluations is None:
                return False
            best = self._records.evaluated(evaluations, last=last)
            regular |= not all(waiting)  # the other runs were saved after their evaluation
        if regular or any(best) or last:
            self._save(best)
        return True

    def _evaluate(self, stop: Callable[[], bool]) -> Sequence[Evaluation] | None:
        settings = self.settings.evaluation
        self._evaluator = self.experiment.evaluator(settings.episodes, max_steps=settings.max_steps)
        seeds = np.reshape(self.experiment.variables.seed, (-1, 2))
        iteration = self.experiment.steps // self._per_iteration
        return self._evaluator.run([fold(seed, Purpose.EVALUATION, iteration) for seed in seeds], stop=stop)

    def _save(self, best: Sequence[bool], *, interim: bool = False) -> None:
        self._records.save(self._programs.rows, best, interim=interim)
        self._saved = self.experiment.steps

    def _save_unless_saved(self) -> None:
        if self.experiment.steps and self.experiment.steps != self._saved:
            self._save([False] * len(self._records), interim=True)

    def close(self) -> None:
        """Closes the logs and the environments."""
        self._records.close()
        for environment in self._environments:
            close(environment, self._say)

    @property
    def _environments(self) -> list[Environment]:
        """All open environments."""
        return [self._learner.environment, *([self._evaluator.environment] if self._evaluator else [])]

    @property
    def _total(self) -> int:
        """Environment steps of each run at the end of training."""
        return self._learner.num_iterations * self._per_iteration

    def _evaluation_due(self, iteration: int) -> bool:
        """Whether an evaluation is due after this number of iterations."""
        every = self._in_iterations(self.settings.evaluation.every_steps)
        return iteration > 0 and (iteration % every == 0 or iteration == self._learner.num_iterations)

    def _in_iterations(self, steps: int) -> int:
        """An interval of environment steps as the nearest number of iterations, ≥ 1."""
        return max(1, round(steps / self._per_iteration))
