"""An agent that acts with an old copy, and keeps what it knew when it acted: A2C by the weights of an iteration ago."""

from typing import ClassVar

from rl.agents import A2C
from rl.settings import settings


@settings
class Delayed(A2C):
    """It keeps log π_behaviour(a|s) of each action, and the policy's parameters."""

    acts_with: ClassVar[str] = "behaviour"

    def extras(self, model, policy, action, step):
        return {"log_prob": model.distribution.log_prob(policy, action), "policy": policy}
