"""What MinAtar's four games share: six actions, sticky actions, one uniform number that becomes a choice."""

import tensorflow as tf

from rl.environments.compiled.environment import CompiledEnvironment, EpisodeSteps, Timed
from rl.environments.protocol import Discrete, Transition
from rl.settings import PositiveInteger, Share, checked

NOTHING, LEFT, UP, RIGHT, DOWN, FIRE = range(6)


class MinAtarGame(CompiledEnvironment):
    """A game of MinAtar 1.0.15 (Young & Tian 2019, arXiv:1903.03176), rule by rule and frame by frame.

    A subclass's state holds `last_action` [N] int32, the action that was played last. The first of a step's uniform
    numbers decides whether it is played again.

    MinAtar's reset leaves the last action as it was, so that the first frame of an episode may repeat the last action
    of the one before; so does `step` here, and `reset` begins with `NOTHING` as a new MinAtar environment does. A
    MinAtar game stays as it is once it has terminated; here `step` begins the next, and `advance` from a terminated
    state means nothing.
    """

    action_space = Discrete(6)
    num_step_uniforms = 1
    unchecked = ("reward",)

    @checked
    def __init__(
        self,
        *,
        num_envs: PositiveInteger,
        max_episode_steps: EpisodeSteps | None,
        sticky_action_probability: Share,
        difficulty_ramping: bool,
    ):
        """
        Args:
            sticky_action_probability: that the last action is played in place of the one given.
            difficulty_ramping: whether Asterix and Space Invaders become faster; the other games never do.
        """
        super().__init__(num_envs=num_envs, max_episode_steps=max_episode_steps)
        self.sticky_action_probability, self.difficulty_ramping = sticky_action_probability, difficulty_ramping

    def played(self, last_action: tf.Tensor, action: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
        """[N] int32: the last action where the first of `advance`'s uniform numbers is below the probability."""
        return tf.where(uniforms[:, 0] < self.sticky_action_probability, last_action, tf.cast(action, tf.int32))

    def step(self, state: Timed, action: tf.Tensor, uniforms: tf.Tensor) -> tuple[Timed, Transition]:
        """One step, a fresh episode where the old one ended, and the last action kept in either case."""
        after, transition = super().step(state, action, uniforms)
        last_action = self.played(state.inner.last_action, action, uniforms[:, self.num_start_uniforms :])
        return after._replace(inner=after.inner._replace(last_action=last_action)), transition


def direction(action: tf.Tensor, negative: int, positive: int) -> tf.Tensor:
    """[N] int32: −1 where the action is `negative`, 1 where it is `positive`, otherwise 0."""
    return tf.cast(action == positive, tf.int32) - tf.cast(action == negative, tf.int32)


def choice(uniform: tf.Tensor, n: tf.Tensor | int) -> tf.Tensor:
    """⌊u n⌋ as int32 from 0 to n − 1, each as likely, for u in [0, 1) and n to 2²⁴.

    The product does not round up to n: u ≤ 1 − 2⁻²⁴, and n 2⁻²⁴ is more than half of the step between the floats below
    n, or all of it where n is a power of 2.
    """
    return tf.cast(uniform * tf.cast(n, tf.float32), tf.int32)
