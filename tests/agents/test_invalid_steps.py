"""What comes of a step that is not valid reaches no loss and no gradient, be it a number or not."""

import numpy as np
import pytest
import tensorflow as tf

from rl.instruments.replay import replay, rows_of
from rl.learning.state import read

SMALL = ("num_envs=4", "agent.rollout_length=8", "agent.minibatches=1", "network.torso.widths=[8,8]")
AGENTS = {
    "ppo": ("agent=ppo", "agent.value_loss=clipped"),
    "a2c": ("agent=a2c", "agent.value_loss=huber"),
    "tdc": ("agent=ppo", "agent/bootstrap=tdc", "frozen=target_hard"),
}


def rollout(learner, rubbish):
    """Random steps; two episodes end, one in either way, and the steps after them are resets, with `rubbish`."""
    random = np.random.default_rng(0)
    steps = tf.nest.map_structure(
        lambda spec: random.normal(size=spec.shape).astype(spec.dtype.as_numpy_dtype), learner.trajectory_spec()
    )
    terminated, truncated = (np.zeros(steps.reward.shape, bool) for _ in range(2))
    terminated[2, 0] = truncated[4, 1] = True
    valid = ~np.roll(terminated | truncated, 1, 0)
    steps = steps._replace(
        action=random.integers(0, 2, steps.reward.shape), terminated=terminated, truncated=truncated, valid=valid
    )
    spoilt = {
        field: np.where(valid.reshape(*valid.shape, *(1,) * (x.ndim - 2)), x, np.float32(rubbish))
        for field, x in steps._asdict().items()
        if field in ("observation", "reward", "next_observation")
    }
    return tf.nest.map_structure(tf.constant, steps._replace(**spoilt))


@pytest.mark.parametrize("agent", AGENTS)
def test_an_invalid_step_reaches_neither_loss_nor_gradient(build, agent):
    experiment = build(*SMALL, *AGENTS[agent])
    learner, found = experiment.learner, {}
    for rubbish in (0.5, np.nan, np.inf):
        played = replay(learner, read(experiment.variables), rollout(learner, rubbish))
        found[rubbish] = rows_of(learner, played.minibatch(0))
    for rubbish in (np.nan, np.inf):
        for name, loss in found[0.5].losses.items():
            assert float(found[rubbish].losses[name]) == float(loss)
        tf.nest.map_structure(np.testing.assert_array_equal, found[rubbish].gradients, found[0.5].gradients)
    learner.environment.close()
