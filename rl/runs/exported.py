"""The policy of a run as a TensorFlow module that needs nothing but TensorFlow where it is loaded."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from rl.learning.actor import Acting
from rl.runs.experiment import Experiment
from rl.spaces import Box, Space, spec

Memory = tuple
"""A nest of tensors [N, …] that a policy carries from step to step; () for all policies so far."""


class ExportedPolicy(tf.Module):
    """A greedy policy on raw observations, with its weights, statistics and action bounds inside.

        policy = tf.saved_model.load(folder)
        memory = policy.initial_memory(n)
        action, memory = policy.act(observation, memory)

    N is the number of environments, any from 1 on. Observations and memory are nests, one tensor or () for now, so that
    a policy with several observations or with a memory is called in the same way. Illegal actions that the network
    masks are never chosen, since their logits are −∞ in the network itself.
    """

    def __init__(self, experiment: Experiment):
        """experiment: of one run; its current weights and statistics are copied."""
        super().__init__(name="policy")
        learner = experiment.learner
        acting = learner.acting(experiment.variables)
        self.weights = {
            variable.name.split(":")[0]: tf.Variable(variable, trainable=False, name=variable.name.split(":")[0])
            for variable in tf.nest.flatten(acting.weights)
        }
        """{name: variable}, such as `torso/dense_0/kernel`."""
        names = tf.nest.map_structure(lambda variable: variable.name.split(":")[0], acting.weights)
        rest = tf.nest.map_structure(lambda x: tf.constant(x.numpy()), acting._replace(weights={}))
        space = learner.environment.action_space

        def greedy(observation: Any, memory: Memory) -> tuple[Any, Memory]:
            """The most likely actions [N, …], and the memory after them."""
            weights = tf.nest.map_structure(self.weights.__getitem__, names)
            action = learner.actor.greedy(Acting(weights, *rest[1:]), observation)
            return within(space, action), memory

        self.act = _program(greedy, learner.environment.observation_space, compiled=learner.environment.compiled)

        def initial_memory(batch: tf.Tensor) -> Memory:  # noqa: ARG001 - a policy with a memory needs it
            """The memory before the first step of N = `batch` environments."""
            return ()

        self.initial_memory = tf.function(
            initial_memory, input_signature=[tf.TensorSpec((), tf.int32, name="batch")], autograph=False
        )


def _program(greedy: Callable, observation_space: Space, *, compiled: bool) -> Any:
    """The function for any number of observations, compiled as evaluation compiles it, so that the bits are equal."""
    observation = tf.nest.map_structure(
        lambda one: tf.TensorSpec((None, *one.shape), one.dtype, name="observation"), spec(observation_space)
    )
    return tf.function(greedy, input_signature=[observation, ()], jit_compile=compiled or None, autograph=False)


def within(space: Space, action: Any) -> Any:
    """The action that the environment executes: clipped to the bounds of a box."""
    return tf.clip_by_value(action, space.low, space.high) if isinstance(space, Box) else action
