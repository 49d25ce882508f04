"""The parts of a run put together, before anything is trained."""

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rl.agents import Agent
from rl.environments import Discrete, Environment, Trajectory
from rl.environments.compiled.contract import check_contract
from rl.errors import require
from rl.frozen import Schedule
from rl.gradients.audit import audit, check_audit
from rl.gradients.probes import Probe
from rl.networks import ActorCriticNetwork
from rl.learning.actor import Acting
from rl.learning.learner import Learner
from rl.learning.many import ManyLearners
from rl.runs.memory import require_memory
from rl.learning.minibatch import losses_of, roles_at, watch_of
from rl.learning.normalization import Normalizer
from rl.instruments.oracle import Oracle
from rl.instruments.probing import Prober
from rl.instruments.replay import replay
from rl.learning.programs import Programs
from rl.learning.seeds import run_seed
from rl.learning.state import TrainState, assign, initial_variables, read, stacked
from rl.updates.combiners import Combiner
from rl.updates.optimizers import Optimizer

MakeEnvironment = Callable[..., Environment]  # (num_envs=…, render_mode=…)
MakeNetwork = Callable[..., ActorCriticNetwork]  # (observation_shape=…, action_space=…, seed=…)


class Experiment(NamedTuple):
    """Everything that a run, an evaluation or an inspection starts from."""

    learner: Learner
    variables: TrainState
    fresh_variables: Callable[[int], TrainState]  # variables as a run of that seed begins with
    make_environment: MakeEnvironment
    probes: tuple[Probe, ...]
    probe_samples: int  # at most so many samples of a minibatch get rows of their own
    many: ManyLearners | None = None  # where several runs train in one program; the variables then have an axis of runs
    oracle: Oracle | None = None

    def started_in(self, other: "Experiment") -> "Experiment":
        """Puts the beginning of this experiment into the variables of another one, whose programs then serve it.

        For compiled environments only, which have no state outside of the variables.
        """
        assign(other.variables, read(self.variables))
        return self._replace(variables=other.variables)

    @property
    def num_runs(self) -> int:
        """How many runs train together."""
        return self.many.num_runs if self.many else 1

    @property
    def prober(self) -> Prober | None:
        """Of one run; None where nothing is probed."""
        if not (self.probes or self.oracle):
            return None
        return Prober(self.learner, self.probes, num_samples=self.probe_samples, oracle=self.oracle)

    def programs(self, *, probe_every: int) -> Programs:
        """The compiled programs; probes every so many iterations, if there are any."""
        prober = self.prober
        if self.many and prober:
            prober = functools.partial(self.many.probe, prober)
        return Programs(self.many or self.learner, self.variables, prober, probe_every)

    def greedy(self, observation: tf.Tensor) -> tf.Tensor:
        """The most likely action under the variables as they stand, [N, ...]; with many runs S·N, run after run."""
        acting = Acting(*(read(getattr(self.variables, field)) for field in Acting._fields))
        if self.many is None:
            return self.learner.actor.greedy(acting, observation)
        return self.many.act(self.learner.actor.greedy, acting, observation)

    def audit(self) -> dict[str, dict[str, str]]:
        """The leak audit: {objective: {weight: none, zero or non-zero}} on a made-up batch.

        Raises: LeakError where an objective reaches other weights than it declares.
        """
        learner, state = self.learner, read(self.variables)
        if self.many:
            state = tf.nest.map_structure(lambda x: x[0], state)
        played = replay(learner, state, _made_up(learner, state))
        update, minibatch, names = played.update, played.minibatch(0), learner.model.network.names
        roles = roles_at(update, minibatch.roles)
        table = audit(losses_of(update, minibatch.batch), roles, names, watch_of(update))
        check_audit(table, update.objectives, roles, names, watch_of(update))
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
    probe_samples: int,
    oracle: bool,
    num_envs: int,
    steps: int,
    seed: int,
    num_runs: int = 1,
) -> Experiment:
    """Makes environment, network, rules and variables.

    Args:
        probe_samples: at most so many samples of a minibatch get rows of their own, where a probe asks for them.
        oracle: whether rows are held against the true ones.
        num_runs: with seeds `seed`, `seed + 1`, …, to train together in one program.

    Raises: ConfigError for whatever does not fit together.
    """
    environment = make_environment(num_envs=num_envs)
    if environment.compiled:
        check_contract(environment)
    require(
        num_runs == 1 or environment.compiled,
        f"seeds is {num_runs}: only runs in a compiled environment train together in one program; choose "
        "environment=compiled/…, or sweep the seed: -m 'seed=range(5)'.",
    )
    spaces = {"observation_shape": environment.observation_shape, "action_space": environment.action_space}
    spaces["heads"] = agent.heads
    model = make_network(**spaces, seed=seed)
    network = model.network
    require(
        bool(network.shared) or combiner.is_sum,
        "the combiner has nothing to act on, since the network shares no weights: choose combiner=sum, or share "
        "a torso (network.shared=true).",
    )
    learner = Learner(
        agent=agent,
        model=model,
        environment=environment,
        combiner=combiner,
        optimizer=optimizer,
        schedules=schedules,
        normalizer=normalizer,
        total_steps=steps,
    )
    require_memory(learner, num_runs=num_runs)
    known = Oracle(learner) if oracle else None

    def variables(number: int) -> TrainState:
        network = model.network if number == seed else make_network(**spaces, seed=number).network
        return initial_variables(learner, network, run_seed(number))

    def fresh_variables(first: int) -> TrainState:
        if num_runs == 1:
            return variables(first)
        return stacked([variables(number) for number in range(first, first + num_runs)])

    many = ManyLearners(learner, make_environment(num_envs=num_envs * num_runs)) if num_runs > 1 else None
    return Experiment(
        learner, fresh_variables(seed), fresh_variables, make_environment, probes, probe_samples, many, known
    )


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
    frames = tf.constant(frames, learner.environment.observation_dtype)
    reward = tf.constant(random.normal(size=shape), tf.float32)
    return Trajectory(frames, action, reward, never, never, tf.roll(frames, -1, 0), tf.ones(shape, tf.bool))
