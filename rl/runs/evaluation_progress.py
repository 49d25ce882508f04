"""The state of an evaluation, a loop variable of its program."""

from typing import NamedTuple

import tensorflow as tf

from rl.environments import State


class Progress(NamedTuple):
    """The state of an evaluation, [N] unless stated otherwise."""

    state: State
    observation: tf.Tensor  # [N, ...]
    running: tf.Tensor  # float32, return of the current episode so far
    length: tf.Tensor  # int32, steps of the current episode so far
    finished: tf.Tensor  # int32, finished episodes, cut ones included
    cut: tf.Tensor  # int32, episodes cut at max_steps
    waiting: tf.Tensor  # bool, after a cut: an environment whose episode did not end cannot reset itself
    returns: tf.Tensor  # [N, quota] float32
    sound: tf.Tensor  # bool, whether all numbers so far are sound; [N, ...] where observations are checked here
