"""A training run: from a built experiment and a folder to a finished summary, across interruptions."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from rl.errors import ConfigError, NonFiniteError, require
from rl.training.checkpoints import read_checkpoint, restore
from rl.training.diagnosis import diagnose, save_fault
from rl.training.evaluation import Evaluation, Evaluator
from rl.training.experiment import Experiment
from rl.training.interrupts import Interrupts
from rl.training.loop import Stretch, iterations
from rl.training.progress import ProgressBar
from rl.training.record import Description, Record, common_steps, loadable
from rl.training.run_directory import RunDirectory
from rl.training.run_settings import RunSettings
from rl.training.seeds import Purpose, fold
from rl.training.state import named_variables
from rl.training.videos import record as record_video

_MAX_EVALUATION_ENVS = 100
_VIDEO_STEPS = 10_000


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
        after: "Run | None" = None,
    ):
        """
        Puts the newest checkpoint's numbers, or the initial weights, into the experiment; nothing is written yet.

        Args:
            directories, descriptions: of each run.
            say: where a sentence for the user goes.
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
        self._per_iteration = experiment.learner.steps_per_iteration
        probe_every = max(settings.probe.every_iterations, self._in_iterations(settings.probe.every_steps))
        self._programs = after._programs if after else experiment.programs(probe_every=probe_every)
        self._programs.forget()
        prober = experiment.prober
        self._records = [
            Record(
                directory,
                description,
                steps_per_iteration=self._per_iteration,
                points_every=self._in_iterations(settings.logging.every_steps),
                keep=settings.checkpoint.keep,
                legend=prober.legend if prober else None,
            )
            for directory, description in zip(directories, descriptions, strict=True)
        ]
        self._evaluator: Evaluator | None = after._evaluator if after else None
        self._resumed = self._restore()
        if self._resumed is None and settings.checkpoint.load is not None:
            self._load_weights(loadable(Path(settings.checkpoint.load)))

    def run(self) -> list[dict[str, Any]]:
        """Trains to the end or to a signal; returns each run's summary, whose `status` says which.

        Raises: NonFiniteError after saving the batch; an environment's own exception as itself. The summaries say
        `failed` then, with the error.
        """
        self._write_summaries("running")
        try:
            with Interrupts() as interrupted:
                self._resume_or_start()
                self._programs.compile(self._say)
                self._train(interrupted)
                complete = not interrupted() and self._finish(interrupted)
                if not complete:
                    self._save([False] * len(self._records))
            return self._write_summaries("completed" if complete else "interrupted")
        except Exception as error:
            error = self._environments_own(error)
            self._write_summaries("failed", error=f"{type(error).__name__}: {error}")
            raise error from None
        finally:
            for record in self._records:
                record.log.close()
            self.experiment.learner.environment.close()
            if self._evaluator is not None:
                self._evaluator.environment.close()

    @property
    def steps(self) -> int:
        """Environment steps done, of each run."""
        return int(np.max(self.experiment.variables.iteration)) * self._per_iteration

    def _restore(self) -> list[dict[str, Any]] | None:
        """The numbers of the newest checkpoint that can be read into the variables; the rest of it is returned."""
        damaged: list[ConfigError] = []
        for steps in common_steps(self._records):
            try:
                checkpoints, files = zip(*(record.read(steps) for record in self._records), strict=True)
                break
            except ConfigError as error:
                damaged.append(error)
        else:
            if damaged:
                raise damaged[0]
            begun = [str(record.directory.path) for record in self._records if record.checkpoint_steps]
            require(
                not begun,
                f"{', '.join(begun[:2])} and others of these runs are not at the same step, so they cannot go on "
                "together; train each by itself (seeds=1), or all anew (fresh=true).",
            )
            return None
        if damaged:
            self._say(f"{damaged[0]}. The one before it is taken.")
        names = checkpoints[0].arrays
        restore(
            self._named,
            {name: self._together([checkpoint.arrays[name] for checkpoint in checkpoints]) for name in names},
            source=str(files[0]),
        )
        return [checkpoint.meta for checkpoint in checkpoints]

    def _resume_or_start(self) -> None:
        """Takes out what was logged after the checkpoint, if there is one; otherwise begins the log."""
        if self._resumed is None:
            for record in self._records:
                record.begin()
            return
        for record, meta in zip(self._records, self._resumed, strict=True):
            record.go_on(meta)
        note = ""
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

    def _fresh_episodes(self) -> None:
        learner, variables = self.experiment.learner, self.experiment.variables
        state, observation = learner.environment.reset(
            fold(variables.seed, Purpose.ENVIRONMENT, variables.iteration, -1)
        )
        variables.environment.assign(state)
        variables.observation.assign(observation)
        for running in (*variables.episodes, variables.normalizer.returns):
            running.assign(tf.zeros_like(running))

    def _train(self, interrupted: Interrupts) -> None:
        settings, learner = self.settings, self.experiment.learner
        evaluate_every = self._in_iterations(settings.evaluation.every_steps)
        checkpoint_every = self._in_iterations(settings.checkpoint.every_steps)
        histograms_every = self._in_iterations(settings.probe.histograms_every_steps)
        stretches = iterations(
            self._programs,
            start=self.steps // self._per_iteration,
            end=learner.num_iterations,
            boundaries=(evaluate_every, checkpoint_every, histograms_every),
            stop=interrupted,
        )
        with ProgressBar(learner.num_iterations * self._per_iteration, show=settings.logging.progress) as bar:
            for stretch in stretches:
                of_each = [stretch.of(number) if self.experiment.many else stretch for number in self._numbers]
                bad = [number for number in self._numbers if of_each[number].chunk.metrics["bad_update"][-1] >= 0]
                end = stretch.first_iteration + stretch.num_iterations
                last, evaluations = end == learner.num_iterations or bool(bad), None
                if (end % evaluate_every == 0 or last) and not bad:
                    evaluations = self._evaluate(stop=interrupted)
                best = [
                    record.iterations(of_one, evaluation, last=last)
                    for record, of_one, evaluation in zip(
                        self._records, of_each, evaluations or [None] * len(self._records), strict=True
                    )
                ]
                if bad:
                    self._fail(of_each[bad[0]], bad[0])
                if end % histograms_every == 0:
                    self._histograms(of_each)
                if end % checkpoint_every == 0 or any(best) or last:
                    self._save(best)
                newest = np.ravel(stretch.chunk.metrics["episode/return"][::-1])
                newest = newest[~np.isnan(newest)]
                rate = sum(record.rate for record in self._records)
                bar.update(self.steps, rate, float(newest[0]) if len(newest) else None)

    def _finish(self, interrupted: Interrupts) -> bool:
        """The videos, and the last evaluation where a signal broke it off; whether it came to the end."""
        if not all(record.evaluated for record in self._records):
            evaluations = self._evaluate(stop=interrupted)
            if evaluations is None:
                return False
            pairs = zip(self._records, evaluations, strict=True)
            self._save([record.evaluation(evaluation, self.steps) for record, evaluation in pairs])
        for number in range(self.settings.evaluation.videos):
            environment = self.experiment.make_environment(num_envs=1, render_mode="rgb_array", vectorization="sync")
            file = self._records[0].directory.videos / f"episode_{number}.mp4"
            seed = fold(self.experiment.variables.seed, Purpose.EVALUATION, -1, number)
            frames = record_video(environment, self.experiment.greedy, file, seed=seed, max_steps=_VIDEO_STEPS)
            environment.close()
            self._say(f"Video: {file} ({frames} frames).")
        return True

    def _evaluate(self, stop: Callable[[], bool]) -> Sequence[Evaluation] | None:
        if self._evaluator is None:
            self._evaluator = make_evaluator(self.experiment, self.settings.evaluation.episodes)
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
            record.log.histograms({**{name: self._of(x, number) for name, x in weights.items()}, **rows}, self.steps)

    def _save(self, best: Sequence[bool]) -> None:
        arrays = {name: variable.numpy() for name, variable in self._named.items()}
        for number, record in enumerate(self._records):
            of_one = {name: self._of(x, number) for name, x in arrays.items()}
            record.save(of_one, steps=self.steps, best=best[number])

    def _fail(self, stretch: Stretch, number: int) -> None:
        """Says where the number that is not finite came from, keeps the batch, and raises."""
        chunk, record = stretch.chunk, self._records[number]
        bad = int(chunk.metrics["bad_update"][-1])
        learnt_from = self._programs.learnt_from(chunk)
        before, trajectory = tf.nest.map_structure(lambda x: self._of(x, number), learnt_from)
        fault = diagnose(self.experiment.learner, before, trajectory, bad)
        file = record.directory.path / "failure.npz"
        save_fault(fault, self.experiment.learner.model.network.names, file)
        raise NonFiniteError(
            f"{fault} (step {self.steps:,}). The minibatch and the weights it met are in {file}. "
            "Usual causes: a learning rate that is too high (optimizer.learning_rate), rewards of a large scale "
            "(normalize)."
        )

    def _environments_own(self, error: Exception) -> Exception:
        """What was raised inside an environment, which TensorFlow wraps; otherwise the error itself."""
        environments = [self.experiment.learner.environment]
        environments += [self._evaluator.environment] if self._evaluator else []
        return next((e.exception for e in environments if getattr(e, "exception", None)), error)

    def _write_summaries(self, status: str, error: str | None = None) -> list[dict[str, Any]]:
        updates = np.ravel(self.experiment.variables.updates)
        return [
            record.write_summary(status, steps=self.steps, updates=int(done), error=error)
            for record, done in zip(self._records, updates, strict=True)
        ]

    @property
    def _numbers(self) -> range:
        return range(len(self._records))

    def _together(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """The arrays of each run as the variables hold them."""
        return np.stack(arrays) if self.experiment.many else arrays[0]

    def _of(self, array: np.ndarray, number: int) -> np.ndarray:
        """One run's share of what a variable holds."""
        return array[number] if self.experiment.many else array

    def _in_iterations(self, steps: int) -> int:
        return max(1, round(steps / self._per_iteration))


def make_evaluator(experiment: Experiment, episodes: int) -> Evaluator:
    """An evaluator with as many environments a run as divide the episodes, at most a hundred."""
    num_envs = max(n for n in range(1, _MAX_EVALUATION_ENVS + 1) if episodes % n == 0)
    # A process for each of a hundred environments would be too much.
    one_process = {"vectorization": "sync"} if experiment.learner.environment.in_processes else {}
    return Evaluator(
        lambda num_envs: experiment.make_environment(num_envs=num_envs, **one_process),
        experiment.greedy,
        episodes=episodes,
        num_envs=num_envs,
        num_runs=experiment.num_runs,
    )
