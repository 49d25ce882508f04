"""The base of the MinAtar games: six actions, sticky actions, and choices from uniform numbers."""

import tensorflow as tf

from rl.environments.compiled.environment import CompiledEnvironment, EpisodeSteps, Timed
from rl.environments.transition import Transition
from rl.settings import PositiveInteger, Share, checked
from rl.spaces import Discrete

NOTHING, LEFT, UP, RIGHT, DOWN, FIRE = range(6)
"""The actions; an action that a game does not use has no effect."""


class MinAtarGame(CompiledEnvironment):
    """A game of MinAtar 1.0.15 (Young & Tian 2019, arXiv:1903.03176), with the same frames, rewards and terminations.

    The state of a subclass has a field `last_action`, [N] int32: the action that was played last. The first uniform
    number of a step decides whether it is played again in place of the agent's action (sticky actions).

    As in MinAtar, an episode's end does not change the last action, so the first frame of an episode may repeat the
    last action of the previous one; `reset` begins with `NOTHING`, as a new MinAtar environment does. A terminated
    MinAtar game stays in its terminal state; here `step` starts the next episode, and the result of `advance` from a
    terminated state is undefined.
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
            num_envs: N.
            max_episode_steps: frames after which an episode is truncated; None for no limit.
            sticky_action_probability: the probability that the last action is played in place of the agent's.
            difficulty_ramping: whether Asterix and Space Invaders become faster over time; no effect in other games.
        """
        super().__init__(num_envs=num_envs, max_episode_steps=max_episode_steps)
        self.sticky_action_probability, self.difficulty_ramping = sticky_action_probability, difficulty_ramping

    def played(self, last_action: tf.Tensor, action: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
        """The action that the game plays: the last one with the sticky action's probability, else the agent's.

        Args:
            last_action: [N] int32.
            action: [N] int64, the agent's.
            uniforms: those of `advance`; the first number of each environment is used.
        Returns: [N] int32.
        """
        return tf.where(uniforms[:, 0] < self.sticky_action_probability, last_action, tf.cast(action, tf.int32))

    def step(self, state: Timed, action: tf.Tensor, uniforms: tf.Tensor) -> tuple[Timed, Transition]:
        """One step as in `CompiledEnvironment.step`, but a new episode keeps the last action of the old one."""
        after, transition = super().step(state, action, uniforms)
        last_action = self.played(state.inner.last_action, action, uniforms[:, self.num_start_uniforms :])
        return after._replace(inner=after.inner._replace(last_action=last_action)), transition


def direction(action: tf.Tensor, negative: int, positive: int) -> tf.Tensor:
    """The move along one axis: −1 where the action is `negative`, 1 where it is `positive`, else 0; [N] int32."""
    return tf.cast(action == positive, tf.int32) - tf.cast(action == negative, tf.int32)


def choice(uniform: tf.Tensor, n: tf.Tensor | int) -> tf.Tensor:
    """A uniformly distributed integer from 0 to n − 1: ⌊u n⌋.

    The product never rounds up to n: u ≤ 1 − 2⁻²⁴, and n 2⁻²⁴ is more than half of the spacing of the float32 numbers
    below n, or all of it where n is a power of 2.

    Args:
        uniform: u, float32 in [0, 1).
        n: a number or an int tensor that broadcasts, from 1 to 2²⁴.
    Returns: int32 from 0 to n − 1, of u's shape.
    """
    return tf.cast(uniform * tf.cast(n, tf.float32), tf.int32)
