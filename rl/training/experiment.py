"""The parts of a run put together, before anything is trained."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.agents import Agent
from rl.environments import Discrete, Environment, Trajectory
from rl.errors import require
from rl.frozen import Schedule
from rl.gradients.audit import audit, check_audit
from rl.gradients.probes import Probe
from rl.networks import ActorCriticNetwork
from rl.training.learner import Learner
from rl.training.normalization import Normalizer
from rl.training.probing import Prober
from rl.training.programs import Programs
from rl.training.seeds import Purpose, fold, run_seed
from rl.training.state import TrainState, initial_variables, read
from rl.updates import UpdateRule
from rl.updates.combiners import Combiner
from rl.updates.optimizers import Optimizer

MakeEnvironment = Callable[..., Environment]  # (num_envs=…, render_mode=…)
MakeNetwork = Callable[..., ActorCriticNetwork]  # (observation_shape=…, action_space=…, seed=…)


class Experiment(NamedTuple):
    """Everything that a run, an evaluation or an inspection starts from."""

    learner: Learner
    variables: TrainState
    make_environment: MakeEnvironment
    probes: tuple[Probe, ...]

    def programs(self, *, probe_every: int) -> Programs:
        """The compiled programs; probes every so many iterations, if there are any."""
        prober = Prober(self.learner, self.probes) if self.probes else None
        return Programs(self.learner, self.variables, prober, probe_every)

    def greedy(self, observation: tf.Tensor) -> tf.Tensor:
        """The most likely action under the variables as they stand, [N, ...]."""
        learner = self.learner
        seen = learner.normalizer.observation(read(self.variables.normalizer), observation)
        return learner.model.distribution.mode(learner.agent.policy(learner.model, read(self.variables.weights), seen))

    def audit(self) -> dict[str, dict[str, str]]:
        """The leak audit: {objective: {weight: none, zero or non-zero}} on a made-up batch.

        Raises: LeakError where an objective reaches other weights than it declares.
        """
        learner, state = self.learner, read(self.variables)
        phase = learner.phases[0]
        state, trajectory, _ = learner.take_in(state, _made_up(learner, state))
        minibatch = learner.minibatch(phase, state, trajectory, 0)
        names = learner.model.network.names
        table = audit(lambda w: phase.losses(w, minibatch.frozen, minibatch.batch), minibatch.weights, names)
        check_audit(table, phase.objectives, names)
        return table


def build_experiment(
    *,
    agent: Agent,
    make_environment: MakeEnvironment,
    make_network: MakeNetwork,
    combiner: Combiner,
    optimizer: Optimizer,
    schedules: Mapping[str, Schedule],
    normalizer: Normalizer,
    probes: tuple[Probe, ...],
    num_envs: int,
    steps: int,
    seed: int,
) -> Experiment:
    """Makes environment, network, rules and variables.

    Raises: ConfigError for whatever does not fit together.
    """
    require(isinstance(steps, int) and steps >= 1, f"steps is {steps}; it must be a positive integer.")
    require(isinstance(seed, int) and 0 <= seed < 2**62, f"seed is {seed}; it must be an integer from 0 on.")
    environment = make_environment(num_envs=num_envs)
    model = make_network(
        observation_shape=environment.observation_shape, action_space=environment.action_space, seed=seed
    )
    network = model.network
    require(
        bool(network.shared) or combiner.is_sum,
        "the combiner has nothing to act on, since the network shares no weights: choose combiner=sum, or share "
        "a torso (network.shared=true).",
    )
    rules = {
        phase.name: UpdateRule(
            objectives=phase.objectives,
            groups=phase.groups,
            names=network.names,
            shared=network.shared,
            heads=network.heads,
            combiner=combiner,
            optimizer=optimizer,
        )
        for phase in agent.phases(model)
    }
    folded = run_seed(seed)
    learner = Learner(
        agent=agent,
        model=model,
        environment=environment,
        rules=rules,
        schedules=schedules,
        normalizer=normalizer,
        total_steps=steps,
        seed=folded,
    )
    start = fold(folded, Purpose.ENVIRONMENT, -1)
    variables = initial_variables(network, rules, tuple(schedules), normalizer, environment, start)
    return Experiment(learner, variables, make_environment, probes)


def _made_up(learner: Learner, state: TrainState) -> Trajectory:
    """A trajectory of noise around the present observation: what reaches what does not depend on the numbers."""
    random = np.random.default_rng(0)
    shape = (learner.agent.rollout_length, learner.environment.num_envs)
    frames = state.observation.numpy() + random.normal(size=(*shape, *learner.environment.observation_shape))
    space = learner.environment.action_space
    if isinstance(space, Discrete):
        action = tf.constant(random.integers(space.n, size=shape), tf.int64)
    else:
        action = tf.constant(random.normal(size=(*shape, *space.shape)), tf.float32)
    never = tf.zeros(shape, tf.bool)
    frames = tf.constant(frames, tf.float32)
    reward = tf.constant(random.normal(size=shape), tf.float32)
    return Trajectory(frames, action, reward, never, never, tf.roll(frames, -1, 0), tf.ones(shape, tf.bool))
