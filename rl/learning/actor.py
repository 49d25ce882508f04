"""Acting: from observations to actions, by a set of weights."""

from typing import NamedTuple

import tensorflow as tf

from rl import inputs
from rl.agents import Agent
from rl.gradients.rows import Weights
from rl.learning.normalization import Normalizer, NormalizerState
from rl.networks import ActorCriticNetwork


class Acting(NamedTuple):
    """What of a state acting takes."""

    weights: Weights
    normalizer: NormalizerState
    hyperparameters: dict[str, tf.Tensor]


class Actor:
    """An agent's policy as pure functions of its weights: what training, evaluation and videos act with."""

    def __init__(self, agent: Agent, model: ActorCriticNetwork, normalizer: Normalizer):
        self._agent, self._model, self._normalizer = agent, model, normalizer

    def noise(self, seed: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        """The noise of `act`, with leading axes `shape`; seed: [2] int."""
        return self._model.distribution.noise(shape, seed)

    def act(self, acting: Acting, observation: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """The actions of N environments: observation and noise [N, ...]."""
        return self._model.distribution.sample(self._policy(acting, observation), noise)

    def greedy(self, acting: Acting, observation: tf.Tensor) -> tf.Tensor:
        """The most likely actions in N environments."""
        return self._model.distribution.mode(self._policy(acting, observation))

    def _policy(self, acting: Acting, observation: tf.Tensor) -> tf.Tensor:
        agent = inputs.with_inputs(self._agent, inputs.below("agent", acting.hyperparameters))
        normalizer = inputs.with_inputs(self._normalizer, inputs.below("normalize", acting.hyperparameters))
        return agent.policy(self._model, acting.weights, normalizer.observation(acting.normalizer, observation))
