"""Spaces as tensors: shapes, types and nests."""

import numpy as np
import tensorflow as tf

from rl.environments.compiled.minatar.breakout import Breakout
from rl.learning.collecting import collect
from rl.learning.state import read
from rl.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, same, spec, unbounded


class Frames(Breakout):
    """Breakout whose channels are frames of 0 and 255."""

    observation_dtype = tf.uint8

    def observe(self, state):
        return tf.cast(super().observe(state) * 255, tf.uint8)


def test_specs_by_hand():
    assert spec(Discrete(3), 5, 2) == tf.TensorSpec((5, 2), tf.int64)
    assert spec(Box(np.zeros(3, np.float32), np.ones(3, np.float32)), 5) == tf.TensorSpec((5, 3), tf.float32)
    assert spec(unbounded((4, 4, 3), np.uint8)) == tf.TensorSpec((4, 4, 3), tf.uint8)
    assert spec(unbounded((2,), tf.float64), 7) == tf.TensorSpec((7, 2), tf.float64)
    assert spec(MultiDiscrete((3, 4)), 5) == tf.TensorSpec((5, 2), tf.int64)
    assert spec(MultiBinary(6), 5) == tf.TensorSpec((5, 6), tf.int64)
    nested = Dict({"a": Discrete(2), "b": Dict({"c": MultiBinary(1)})})
    assert spec(nested, 9) == {"a": tf.TensorSpec((9,), tf.int64), "b": {"c": tf.TensorSpec((9, 1), tf.int64)}}


def test_unbounded_boxes():
    box, frames = unbounded((2,)), unbounded((1, 1), tf.uint8)
    assert (box.low == -np.inf).all()
    assert (box.high == np.inf).all()
    assert (int(frames.low[0, 0]), int(frames.high[0, 0]), frames.dtype) == (0, 255, tf.uint8)


SMALL = (
    "environment=compiled/minatar/breakout",
    "network=minatar",
    "network.torso.widths=[8]",
    "network.torso.filters=2",
    "num_envs=4",
    "agent.rollout_length=16",
    "agent.epochs=1",
    "probe=none",
    "steps=640",
)


def test_frames_stay_uint8_up_to_the_first_layer_which_scales_them(build):
    """Two iterations of frames 0 and 255 learn what those of 0.0 and 1.0 do, normalised observations asked for or not:
    255 · (1/255) is 1 to float32 rounding.
    """
    frames = build(*SMALL, "environment._target_=test_spaces.Frames", "normalize.observations=true")
    floats = build(*SMALL, "normalize.observations=false")
    state = read(frames.variables)
    _, trajectory = collect(frames.learner, state, frames.learner.rollout_noise(state.seed, state.iteration))
    assert trajectory.observation.dtype == trajectory.next_observation.dtype == tf.uint8
    assert set(np.unique(trajectory.observation)) == {0, 255}
    frames.audit()
    for experiment in (frames, floats):
        experiment.programs(probe_every=10).iterate(2)
    for part, weights in frames.variables.weights.items():
        for one, other in zip(weights, floats.variables.weights[part], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)


def test_spaces_are_the_same_where_their_elements_are():
    box, wider = unbounded((2,)), unbounded((3,))
    spaces = [
        box,
        wider,
        box._replace(low=np.zeros(2, np.float32)),
        unbounded((2,), np.uint8),
        Discrete(2),
        MultiBinary(2),
        Dict({"a": box}),
        Dict({"b": box}),
        Dict({"a": wider}),
    ]
    for place, one in enumerate(spaces):
        assert [same(one, other) for other in spaces] == [place == number for number in range(len(spaces))]
