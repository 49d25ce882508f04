"""An agent with a further head on the torso: PPO that also predicts the reward of each step."""

import functools
from typing import ClassVar

import tensorflow as tf

from rl.agents import LIVE, PPO
from rl.estimators import masked_mean
from rl.networks import OBSERVATION, Head, value_head
from rl.settings import settings


@settings
class RewardPredictingPPO(PPO):
    """PPO with the objective `reward`: half the squared error of the head `reward`."""

    objectives: ClassVar[tuple[str, ...]] = (*PPO.objectives, "reward")

    def heads(self, spaces):
        return {**super().heads(spaces), "reward": Head(functools.partial(_head, "reward"))}

    def losses(self, model, roles, batch):
        losses, diagnostics = super().losses(model, roles, batch)
        outputs = model.network.apply(roles[LIVE], {OBSERVATION: batch.observation}, ("reward",))
        error = 0.5 * tf.square(outputs["reward"][:, 0] - batch.reward)
        return {**losses, "reward": masked_mean(error, batch.valid)}, diagnostics


def _head(name, seed):
    return value_head(gain=1.0, bias=0.0, seed=seed, name=name)
