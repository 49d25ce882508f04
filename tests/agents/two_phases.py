"""An agent with two phases: A2C, and a phase every third iteration that learns from the kept batches of the first."""

import functools

import tensorflow as tf

from rl.agents import A2C, LIVE, Phase, Update
from rl.estimators import masked_mean
from rl.gradients import Objective
from rl.networks import OBSERVATION
from rl.settings import PositiveInteger, settings
from rl.sources import Recent


@settings
class TwoPhases(A2C):
    """In the second phase `fit` moves torso and value in every round, `keep` torso and policy in every second one."""

    iterations: PositiveInteger = 3
    leak: bool = False

    def phases(self, model, environment):
        (first,) = super().phases(model, environment)
        names = {name: {LIVE: model.network.reads[name]} for name in ("policy", "value")}
        fit = Update(
            name="fit",
            objectives=(Objective("fit", 1.0, names["policy" if self.leak else "value"]),),
            groups={"fit": ("fit",)},
            losses=functools.partial(_fit, model),
        )
        keep = Update(
            name="keep",
            objectives=(Objective("keep", 1.0, names["policy"]),),
            groups={"keep": ("keep",)},
            losses=functools.partial(_keep, model),
            every_rounds=2,
        )
        second = Phase(
            name="second",
            source=Recent(iterations=self.iterations, epochs=2, minibatches=2, of="update"),
            prepare=lambda roles, batch: (batch, {"second/kept": tf.reduce_sum(batch.valid)}),
            updates=(fit, keep),
            every_iterations=self.iterations,
        )
        return first, second


def _fit(model, roles, batch):
    value = model.network.apply(roles[LIVE], {OBSERVATION: batch.observation}, ("value",))["value"][:, 0]
    return {"fit": masked_mean(tf.square(value - batch.target), batch.valid)}, {
        "second/target": tf.reduce_mean(batch.target)
    }


def _keep(model, roles, batch):
    policy = model.network.apply(roles[LIVE], {OBSERVATION: batch.observation}, ("policy",))["policy"]
    return {"keep": -masked_mean(model.distribution.log_prob(policy, batch.action), batch.valid)}, {}
