"""What a source that replays draws."""

from typing import Any, NamedTuple

import tensorflow as tf


class Windows(NamedTuple):
    """B windows of n consecutive steps of single environments."""

    steps: Any
    """The steps, a nest of [B, n, ...]."""
    weight: tf.Tensor | tuple[()] = ()
    """[B] float, the importance weights of samples that are not drawn uniformly; () for uniform ones."""
