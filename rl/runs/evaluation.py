"""Evaluation, greedy or with sampled actions, in environments separate from those of training."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from rl.environments import Environment, State, Transition
from rl.environments.boundary import LARGEST, all_sound, first_unsound, place
from rl.errors import BadEnvironmentError, require
from rl.learning.seeds import Purpose, fold
from rl.naming import Program
from rl.randomness import uniforms
from rl.runs.evaluation_progress import Progress
from rl.runs.scores import Evaluation

_STEPS_PER_CALL = 200  # keeps a host call well below a second, so that signals are noticed


class Evaluator:
    """Runs a policy for a fixed number of episodes.

    Every environment runs the same number of episodes to their ends, so that short episodes are not over-represented.
    An episode longer than `max_steps` is cut. Its environment then waits for the others, and all are reset if episodes
    are left.
    """

    def __init__(
        self,
        make_environment: Callable[[int], Environment],
        policy: Callable[..., tf.Tensor],
        *,
        episodes: int,
        num_envs: int,
        max_steps: int,
        num_runs: int = 1,
        noise: Callable[[tf.Tensor, tuple[int, int]], tf.Tensor] | None = None,
    ):
        """
        Args:
            make_environment: num_envs → environments.
            policy: observation [N, ...] → action [N, ...] by variables it closes over; N = num_runs · num_envs. With
                `noise`, its second argument is one step of it.
            episodes: number of episodes per run, ≥ 1.
            num_envs: number of environments per run; divides `episodes`.
            max_steps: environment steps after which an episode is cut, ≥ 1.
            num_runs: number of runs evaluated together; more than one requires a compiled environment.
            noise: (seed [2], (T, N)) → [T, N, ...], from which the policy samples; None for a greedy one. One run only.
        Raises: ConfigError for numbers outside of these ranges.
        """
        require(episodes >= 1, f"evaluation.episodes is {episodes}; it must be at least 1.")
        require(max_steps >= 1, f"evaluation.max_steps is {max_steps}; it must be at least 1.")
        require(
            episodes % num_envs == 0,
            f"{num_envs} environments do not divide {episodes} episodes.",
        )
        self.environment, self._policy, self._num_runs = make_environment(num_envs * num_runs), policy, num_runs
        self._of_one = self.environment if num_runs == 1 else make_environment(num_envs)
        self._noise = noise
        self._quota, self._max_steps, self._unchecked = episodes // num_envs, max_steps, self.environment.unchecked
        limit = self.environment.max_episode_steps
        self._may_be_cut = not self.environment.compiled or limit is None or limit > max_steps
        identity = (type(self.environment).__qualname__, num_envs, num_runs, self._quota, max_steps)
        self._advance = Program(self._advance_steps, compiled=self.environment.compiled, identity=identity)

    def run(
        self, seeds: Sequence[tf.Tensor], stop: Callable[[], bool] = lambda: False
    ) -> tuple[Evaluation, ...] | None:
        """Evaluates the policy.

        Args:
            seeds: [2] int for each run.
            stop: asked between host calls; ends the evaluation when true.
        Returns: an `Evaluation` for each run; None where `stop` ended it.
        Raises: BadEnvironmentError where an environment raises, or returns a number that is not sound (`boundary`).
        """
        total = self.environment.num_envs
        none = tf.zeros(total, tf.int32)
        progress = Progress(
            *self._begin(seeds),
            running=tf.zeros(total),
            length=none,
            finished=none,
            cut=none,
            waiting=none > 0,
            returns=tf.zeros((total, self._quota)),
            sound=tf.ones((total, *self._looked_at)) > 0,
        )
        rounds = 0
        while (progress := self._round(progress, seeds, stop)) is not None:
            if int(tf.reduce_min(progress.finished)) == self._quota:
                break
            rounds += 1
            seeds = [fold(seed, rounds, 1) for seed in seeds]
            progress = self._begin_anew(progress, seeds)
        if progress is None:
            return None
        returns = progress.returns.numpy().reshape(self._num_runs, -1).astype(np.float64)
        cuts = progress.cut.numpy().reshape(self._num_runs, -1).sum(1)
        return tuple(Evaluation(*of_run) for of_run in zip(returns, map(int, cuts), strict=True))

    @property
    def _looked_at(self) -> tuple[int, ...]:
        """The shape of one observation where observations are checked here, () otherwise."""
        return self.environment.observation_space.shape if "observation" in self._unchecked else ()

    def _round(self, progress: Progress, seeds: Sequence[tf.Tensor], stop: Callable[[], bool]) -> Progress | None:
        """Runs until every environment has finished its episodes or waits; None where `stop` ended it."""
        drawn_from, calls = tf.stack([tf.cast(seed, tf.uint32) for seed in seeds]), 0
        while self._open(progress).numpy().any():
            if stop():
                return None
            before, progress = progress, self._call(progress, drawn_from, tf.constant(calls))
            if not progress.sound.numpy().all():
                raise BadEnvironmentError(self._what_is_unsound(before, drawn_from, calls))
            calls += 1
        return progress

    def _begin(self, seeds: Sequence[tf.Tensor]) -> tuple[State, tf.Tensor]:
        """Resets all environments; each run starts from the same states as in a solo run."""
        starts = [self._of_one.reset(seed) for seed in seeds]
        state, observation = (
            tf.nest.map_structure(lambda *parts: tf.concat(parts, 0), *starts) if starts[1:] else starts[0]
        )
        if not all_sound(observation.numpy()):
            found = first_unsound(observation=observation.numpy())
            raise BadEnvironmentError(self._at(found.number, 0, str(found)))
        return state, observation

    def _begin_anew(self, progress: Progress, seeds: Sequence[tf.Tensor]) -> Progress:
        """Resets all environments; finished episodes and their returns are kept."""
        state, observation = self._begin(seeds)
        nothing = tf.zeros_like(progress.length)
        return progress._replace(
            state=state,
            observation=observation,
            running=tf.zeros_like(progress.running),
            length=nothing,
            waiting=nothing > 0,
        )

    def _call(self, progress: Progress, seeds: tf.Tensor, calls: tf.Tensor) -> Progress:
        """One host call; raises an environment's own exception instead of TensorFlow's."""
        try:
            return self._advance(progress, seeds, calls)
        except tf.errors.OpError:
            own = getattr(self.environment, "exception", None)
            if own is None:
                raise
            raise _in_evaluation(own) from own.__cause__

    def _open(self, progress: Progress) -> tf.Tensor:
        """Which environments are running an episode that counts, [N] bool."""
        return (progress.finished < self._quota) & ~progress.waiting

    def _drawn(self, seeds: tf.Tensor, calls: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """The random numbers of a host call, [steps, N, ...]: the environments' and, if it samples, the policy's."""
        if self._noise is None:
            return (self._uniforms(seeds, calls),)
        acting = fold(seeds[0], calls, Purpose.ACTION)
        return self._uniforms(seeds, calls), self._noise(acting, (_STEPS_PER_CALL, self.environment.num_envs))

    def _uniforms(self, seeds: tf.Tensor, calls: tf.Tensor) -> tf.Tensor:
        """Uniform numbers [steps, N, u]; each run gets the same ones as in a solo run."""
        shape = (_STEPS_PER_CALL, self._of_one.num_envs, self.environment.num_uniforms)
        if self._num_runs == 1:
            return uniforms(fold(seeds[0], calls), shape)
        drawn = tf.vectorized_map(lambda seed: uniforms(fold(seed, calls), shape), seeds)
        return tf.reshape(tf.transpose(drawn, (1, 0, 2, 3)), (shape[0], self.environment.num_envs, shape[2]))

    def _advance_steps(self, progress: Progress, seeds: tf.Tensor, calls: tf.Tensor) -> Progress:
        """Steps all environments `_STEPS_PER_CALL` times, or until no episode that counts is running."""
        drawn = self._drawn(seeds, calls)

        def unfinished(t, progress):
            return (t < _STEPS_PER_CALL) & tf.reduce_any(self._open(progress))

        def step(t, progress):
            return t + 1, self._step(progress, [numbers[t] for numbers in drawn])[0]

        return tf.while_loop(unfinished, step, (tf.constant(0), progress), parallel_iterations=1)[1]

    def _step(self, progress: Progress, drawn: Sequence[tf.Tensor]) -> tuple[Progress, Transition]:
        """One step of every environment: the progress after it, and the transition."""
        action = self._policy(progress.observation, *drawn[1:])
        state, transition = self.environment.step(progress.state, action, drawn[0])
        running = progress.running + tf.where(transition.valid, transition.reward, 0.0)
        over = ended = transition.terminated | transition.truncated
        if self._may_be_cut:
            length = progress.length + tf.cast(transition.valid, tf.int32)
            cut = self._open(progress) & ~ended & (length >= self._max_steps)
            over = cut | (ended & ~progress.waiting)
            progress = progress._replace(
                length=tf.where(ended, 0, length),
                cut=progress.cut + tf.cast(cut, tf.int32),
                waiting=progress.waiting | cut,
            )
        here = tf.one_hot(progress.finished, self._quota, on_value=True, off_value=False) & over[:, None]
        after = progress._replace(
            state=state,
            observation=transition.observation,
            running=tf.where(ended, 0.0, running),
            finished=progress.finished + tf.cast(over, tf.int32),
            returns=tf.where(here, running[:, None], progress.returns),
            sound=self._still_sound(progress.sound, transition),
        )
        return after, transition

    def _still_sound(self, sound: tf.Tensor, transition: Transition) -> tf.Tensor:
        """Checks numbers elementwise, [N, ...]: a reduction at every step would cost a third of the evaluation's time.

        Final observations are not checked: nothing here depends on them, and XLA does not even compute them.
        """
        if "observation" in self._unchecked:
            sound &= tf.abs(transition.observation) <= LARGEST
        if "reward" in self._unchecked:
            rewarded = tf.abs(transition.reward) <= LARGEST
            sound &= tf.reshape(rewarded, (-1,) + (1,) * (sound.shape.rank - 1))
        return sound

    def _what_is_unsound(self, progress: Progress, seeds: tf.Tensor, calls: int) -> str:
        """Repeats the steps of a host call one by one, and describes the first number that is not sound."""
        drawn = self._drawn(seeds, tf.constant(calls))
        for t in range(_STEPS_PER_CALL):
            progress, transition = self._step(progress, [numbers[t] for numbers in drawn])
            found = first_unsound(
                reward=transition.reward.numpy(),
                observation=transition.observation.numpy(),
            )
            if found:
                step = calls * _STEPS_PER_CALL + t + 1
                return self._at(found.number, step, str(found))
        return f"evaluation: environment {self.environment.name} gives a number that is not finite."

    def _at(self, number: int, step: int, what: str) -> str:
        """The message on what went wrong in an environment, by its number in all runs and its step since the reset."""
        number %= self._of_one.num_envs
        return f"evaluation: {place(self.environment.name, number=number, step=step, elapsed=None)}: {what}"


def _in_evaluation(error: BaseException) -> BaseException:
    """An environment's error, with a message that names the evaluation."""
    return BadEnvironmentError(f"evaluation: {error}") if isinstance(error, BadEnvironmentError) else error
