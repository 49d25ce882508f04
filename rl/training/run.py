"""A training run: from a built experiment and a folder to a finished summary, across interruptions."""

import importlib.util
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from rl.errors import NonFiniteError, require
from rl.training.checkpoints import CheckpointFolder, read_checkpoint, restore
from rl.training.diagnosis import diagnose, save_fault
from rl.training.evaluation import Evaluation, Evaluator
from rl.training.experiment import Experiment
from rl.training.interrupts import Interrupts
from rl.training.loop import Stretch, iterations
from rl.training.progress import ProgressBar
from rl.training.provenance import git_commit, versions
from rl.training.run_directory import RunDirectory
from rl.training.run_log import RunLog
from rl.training.seeds import Purpose, fold
from rl.training.state import named_variables
from rl.training.videos import record

_MAX_EVALUATION_ENVS = 100
_VIDEO_STEPS = 10_000


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How a run is observed and kept. Nothing here changes the weights. Intervals are in environment steps."""

    probe_every: int
    histograms_every: int
    log_every: int
    evaluate_every: int
    evaluation_episodes: int
    videos: int
    checkpoint_every: int
    checkpoints_kept: int
    initial_checkpoint: str | None
    progress: bool

    def __post_init__(self):
        keys = {
            "probe_every": "probe.every_steps",
            "histograms_every": "probe.histograms_every_steps",
            "log_every": "logging.every_steps",
            "evaluate_every": "evaluation.every_steps",
            "evaluation_episodes": "evaluation.episodes",
            "checkpoint_every": "checkpoint.every_steps",
            "checkpoints_kept": "checkpoint.keep",
        }
        for field, key in keys.items():
            value = getattr(self, field)
            require(isinstance(value, int) and value >= 1, f"{key} is {value}; it must be a positive integer.")
        require(
            isinstance(self.videos, int) and self.videos >= 0,
            f"evaluation.videos is {self.videos}; it must be an integer from 0 on.",
        )
        require(
            self.videos == 0 or importlib.util.find_spec("imageio") is not None,
            "videos need the extra `video`: pip install 'tapestry-rl[video]' (evaluation.videos).",
        )


class Run:
    """Trains an experiment in a run directory: from the start, or on from the newest checkpoint."""

    def __init__(
        self,
        experiment: Experiment,
        directory: RunDirectory,
        settings: RunSettings,
        *,
        seed: int,
        config_text: str,
        hyperparameters: Mapping[str, Any],
        say: Callable[[str], None],
    ):
        """
        Puts the newest checkpoint's numbers, or the initial weights, into the experiment; nothing is written yet.

        Args:
            directory: where the run is or will be.
            config_text: the composed config as YAML, shown in TensorBoard.
            hyperparameters: {key: value} for the HParams tab.
            say: where a sentence for the user goes.
        Raises: ConfigError where a checkpoint does not fit.
        """
        self.experiment, self.directory, self.settings, self._say = experiment, directory, settings, say
        self._seed, self._config_text, self._hyperparameters = seed, config_text, dict(hyperparameters)
        self._named = named_variables(experiment.variables)
        self._checkpoints = CheckpointFolder(directory.checkpoints, keep=settings.checkpoints_kept)
        self._per_iteration = experiment.learner.steps_per_iteration
        self._log = RunLog(
            directory.path,
            steps_per_iteration=self._per_iteration,
            points_every=self._in_iterations(settings.log_every),
        )
        self._programs = experiment.programs(probe_every=self._in_iterations(settings.probe_every))
        self._meta = {"timed_steps": 0, "timed_seconds": 0.0, "wall_seconds": 0.0, "best": None, "evaluation": None}
        self._began = time.monotonic()
        self._evaluator: Evaluator | None = None
        self._newest = self._checkpoints.newest()
        if self._newest is not None:
            restore(self._named, self._newest.arrays, source=str(self._checkpoints.files()[-1]))
        elif settings.initial_checkpoint is not None:
            self._load_weights(Path(settings.initial_checkpoint))

    def run(self) -> dict[str, Any]:
        """Trains to the end or to a signal; returns the summary, whose `status` says which.

        Raises: NonFiniteError after saving the batch; an environment's own exception as itself. The summary says
        `failed` then, with the error.
        """
        self._write_summary("running")
        try:
            with Interrupts() as interrupted:
                self.experiment.audit()
                self._resume_or_start()
                self._programs.compile()
                self._train(interrupted)
                complete = not interrupted() and self._finish(interrupted)
                if not complete:
                    self._save(best=False)
            return self._write_summary("completed" if complete else "interrupted")
        except Exception as error:
            error = self._environments_own(error)
            self._write_summary("failed", error=f"{type(error).__name__}: {error}")
            raise error from None
        finally:
            self._log.close()
            self.experiment.learner.environment.close()
            if self._evaluator is not None:
                self._evaluator.environment.close()

    @property
    def steps(self) -> int:
        """Environment steps done."""
        return int(self.experiment.variables.iteration) * self._per_iteration

    def _resume_or_start(self) -> None:
        """Takes out what was logged after the checkpoint, if there is one; otherwise begins the log."""
        if self._newest is None:
            self._log.begin(self._config_text, self._hyperparameters)
            return
        meta = self._newest.meta
        self._meta.update({key: meta[key] for key in self._meta})
        self._log.go_on(meta["steps"], meta["since_log"])
        note = ""
        if not self.experiment.learner.environment.restorable:
            self._fresh_episodes()
            note = " Gymnasium environments cannot be put back: they start fresh episodes."
        self._say(f"Going on from step {meta['steps']:,} ({self._checkpoints.files()[-1].name}).{note}")

    def _load_weights(self, path: Path) -> None:
        """The live weights and observation statistics of another run's checkpoint; the frozen copies follow."""
        file = CheckpointFolder(path / "checkpoints", keep=1).files()[-1:] if path.is_dir() else [path]
        require(bool(file), f"{path} holds no checkpoint (checkpoint.load).")
        arrays = read_checkpoint(file[0]).arrays
        kept = (*self.experiment.learner.model.network.names, "normalizer/observation")
        kept = tuple(f"{part}/" for part in kept)
        named = {name: v for name, v in self._named.items() if name.startswith(kept)}
        restore(named, {name: x for name, x in arrays.items() if name.startswith(kept)}, source=str(file[0]))
        for copy in self.experiment.variables.frozen.values():
            tf.nest.map_structure(
                lambda frozen, weight: frozen.assign(weight), copy.weights, self.experiment.variables.weights
            )
        self._say(f"Starting from the weights of {file[0]}.")

    def _fresh_episodes(self) -> None:
        learner, variables = self.experiment.learner, self.experiment.variables
        state, observation = learner.environment.reset(fold(learner.seed, Purpose.ENVIRONMENT, variables.iteration, -1))
        variables.environment.assign(state)
        variables.observation.assign(observation)
        for running in (*variables.episodes, variables.normalizer.returns):
            running.assign(tf.zeros_like(running))

    def _train(self, interrupted: Interrupts) -> None:
        settings, learner = self.settings, self.experiment.learner
        evaluate_every = self._in_iterations(settings.evaluate_every)
        checkpoint_every = self._in_iterations(settings.checkpoint_every)
        histograms_every = self._in_iterations(settings.histograms_every)
        stretches = iterations(
            self._programs,
            start=self.steps // self._per_iteration,
            end=learner.num_iterations,
            boundaries=(evaluate_every, checkpoint_every, histograms_every),
            stop=interrupted,
        )
        with ProgressBar(learner.num_iterations * self._per_iteration, show=settings.progress) as bar:
            for stretch in stretches:
                if stretch.chunk.metrics["bad_update"][-1] >= 0:
                    self._log.iterations(stretch, None, wall_seconds=self._wall_seconds(), last=True)
                    self._fail(stretch)
                end = stretch.first_iteration + stretch.num_iterations
                last, evaluation, best = end == learner.num_iterations, None, False
                self._count(stretch)
                if end % evaluate_every == 0 or last:
                    evaluation = self._evaluate(stop=interrupted)
                    best = self._is_best(evaluation)
                if last and evaluation is not None:
                    self._meta["evaluation"] = evaluation.summary()
                self._log.iterations(stretch, evaluation, wall_seconds=self._wall_seconds(), last=last)
                if end % histograms_every == 0:
                    self._log.histograms(stretch, self.experiment.variables.weights)
                if end % checkpoint_every == 0 or best or last:
                    self._save(best=best)
                newest = stretch.chunk.metrics["episode/return"]
                newest = newest[~np.isnan(newest)]
                bar.update(self.steps, self._rate(), float(newest[-1]) if len(newest) else None)

    def _finish(self, interrupted: Interrupts) -> bool:
        """The videos, and the last evaluation where a signal broke it off; whether it came to the end."""
        if self._meta["evaluation"] is None:
            evaluation = self._evaluate(stop=interrupted)
            if evaluation is None:
                return False
            best = self._is_best(evaluation)
            self._meta["evaluation"] = evaluation.summary()
            self._log.evaluation(evaluation, self.steps)
            self._save(best=best)
        for number in range(self.settings.videos):
            environment = self.experiment.make_environment(num_envs=1, render_mode="rgb_array", vectorization="sync")
            file = self.directory.videos / f"episode_{number}.mp4"
            seed = fold(self.experiment.learner.seed, Purpose.EVALUATION, -1, number)
            frames = record(environment, self.experiment.greedy, file, seed=seed, max_steps=_VIDEO_STEPS)
            environment.close()
            self._say(f"Video: {file} ({frames} frames).")
        return True

    def _evaluate(self, stop: Callable[[], bool] = lambda: False) -> Evaluation | None:
        if self._evaluator is None:
            self._evaluator = make_evaluator(self.experiment, self.settings.evaluation_episodes)
        seed = fold(self.experiment.learner.seed, Purpose.EVALUATION, self.experiment.variables.iteration)
        return self._evaluator.run(seed, stop=stop)

    def _is_best(self, evaluation: Evaluation | None) -> bool:
        if evaluation is None:
            return False
        mean, best = evaluation.summary()["mean"], self._meta["best"]
        if best is not None and mean < best:
            return False
        self._meta["best"] = mean
        return True

    def _count(self, stretch: Stretch) -> None:
        self._meta["timed_steps"] += stretch.num_iterations * self._per_iteration
        self._meta["timed_seconds"] += stretch.seconds

    def _rate(self) -> float:
        return self._meta["timed_steps"] / self._meta["timed_seconds"] if self._meta["timed_seconds"] else 0.0

    def _save(self, *, best: bool) -> None:
        self._log.flush()
        meta = {**self._meta, "wall_seconds": self._wall_seconds(), "since_log": self._log.since_point}
        self._checkpoints.save(self._named, meta, steps=self.steps, best=best)

    def _fail(self, stretch: Stretch) -> None:
        """Says where the number that is not finite came from, keeps the batch, and raises."""
        chunk = stretch.chunk
        bad = int(chunk.metrics["bad_update"][-1])
        fault = diagnose(self.experiment.learner, chunk.before, chunk.trajectory, bad)
        file = self.directory.path / "failure.npz"
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

    def _write_summary(self, status: str, error: str | None = None) -> dict[str, Any]:
        summary = {
            "status": status,
            "steps": self.steps,
            "updates": int(self.experiment.variables.updates),
            "wall_seconds": round(self._wall_seconds(), 3),
            "steps_per_second": round(self._rate(), 1),
            "evaluation": self._meta["evaluation"],
            "seed": self._seed,
            "versions": versions(),
            "git_commit": git_commit(),
        }
        if error is not None:
            summary["error"] = error
        self.directory.write_summary(summary)
        return summary

    def _wall_seconds(self) -> float:
        return self._meta["wall_seconds"] + time.monotonic() - self._began

    def _in_iterations(self, steps: int) -> int:
        return max(1, round(steps / self._per_iteration))


def make_evaluator(experiment: Experiment, episodes: int) -> Evaluator:
    """An evaluator with as many environments as divide the episodes, at most a hundred."""
    num_envs = max(n for n in range(1, _MAX_EVALUATION_ENVS + 1) if episodes % n == 0)
    # A process for each of a hundred environments would be too much.
    one_process = {"vectorization": "sync"} if experiment.learner.environment.in_processes else {}
    return Evaluator(
        experiment.make_environment(num_envs=num_envs, **one_process), experiment.greedy, episodes=episodes
    )
