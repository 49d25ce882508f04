"""An agent with a head of its own name: REINFORCE with a baseline (Williams 1992)."""

import functools
from collections.abc import Mapping
from typing import Annotated, NamedTuple

import tensorflow as tf

from rl.agents import LIVE, Agent, Phase, Update
from rl.estimators import discounts, masked_mean
from rl.estimators.recurrence import linear_recurrence
from rl.gradients import Objective
from rl.inputs import INPUT
from rl.networks import OBSERVATION, Head, value_head
from rl.settings import Number, PositiveInteger, Share, settings
from rl.sources import Newest


class Batch(NamedTuple):
    """Samples [B, ...]; target: the discounted return to the end of the episode or of the rollout."""

    observation: tf.Tensor
    action: tf.Tensor
    target: tf.Tensor
    valid: tf.Tensor


@settings
class Reinforce(Agent):
    """Objectives `score` and `baseline`, one update from each rollout. No frozen copies."""

    gamma: Annotated[Share, INPUT]
    rollout_length: PositiveInteger
    coefficients: Annotated[Mapping[str, Number], INPUT]

    frozen_roles = ()

    def heads(self, spaces):
        baseline = functools.partial(_baseline, "baseline")
        return {"policy": Head(torso="policy"), "baseline": Head(baseline)}

    def check_frozen(self, schedules):
        """Nothing is needed."""

    def policy(self, model, weights, observation):
        return model.network.apply(weights, {OBSERVATION: observation}, ("policy",))["policy"]

    def phases(self, model, environment):
        reads = model.network.reads
        objectives = (
            Objective("score", self.coefficients["score"], {LIVE: reads["policy"]}),
            Objective("baseline", self.coefficients["baseline"], {LIVE: reads["baseline"]}),
        )
        update = Update(
            "update",
            objectives,
            {"actor": ("score",), "critic": ("baseline",)},
            functools.partial(self._losses, model),
        )
        return (
            Phase(
                name="update",
                source=Newest(epochs=1, minibatches=1),
                prepare=self._prepare,
                updates=(update,),
            ),
        )

    def _prepare(self, roles, trajectory):
        """R_t = r_t + γ_t R_{t+1}, backwards from 0 at the end of the rollout."""
        discount, _ = discounts(trajectory.terminated, trajectory.truncated, gamma=self.gamma, lambda_=1.0)
        discount = tf.where(trajectory.truncated, 0.0, discount)
        backwards = linear_recurrence(trajectory.reward[::-1], discount[::-1], tf.zeros_like(trajectory.reward[0]))
        valid = tf.cast(trajectory.valid, tf.float32)
        fields = (trajectory.observation, trajectory.action, backwards[::-1], valid)
        batch = Batch(*(tf.reshape(x, (-1, *x.shape[2:])) for x in fields))
        return batch, {"baseline/target_mean": masked_mean(batch.target, batch.valid)}

    def _losses(self, model, roles, batch):
        outputs = model.network.apply(roles[LIVE], {OBSERVATION: batch.observation})
        baseline = outputs["baseline"][:, 0]
        advantage = tf.stop_gradient(batch.target - baseline)
        score = -model.distribution.log_prob(outputs["policy"], batch.action) * advantage
        error = 0.5 * tf.square(baseline - batch.target)
        return {"score": masked_mean(score, batch.valid), "baseline": masked_mean(error, batch.valid)}, {}


def _baseline(name, seed):
    return value_head(gain=1.0, bias=0.0, seed=seed, name=name)
