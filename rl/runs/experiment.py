"""The parts of a run put together, before anything is trained."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from rl.agents import Agent
from rl.environments import Environment
from rl.environments.compiled.contract import check_contract
from rl.errors import require
from rl.frozen import Schedule
from rl.gradients.probes import Probe
from rl.instruments.leaks import audit_updates
from rl.instruments.oracle import Oracle
from rl.instruments.probing import Prober
from rl.learning.axis import OneRun, Runs
from rl.learning.learner import Learner
from rl.learning.normalization import Normalizer
from rl.learning.programs import Programs
from rl.learning.seeds import run_seed
from rl.learning.state import TrainState, assign, initial_variables, read, stacked
from rl.networks import ActorCriticNetwork
from rl.runs.evaluation import Evaluator
from rl.runs.memory import require_memory
from rl.spaces import Spaces
from rl.updates.combiners import Combiner
from rl.updates.freezing import Freeze
from rl.updates.optimizers import Optimizer

_MAX_EVALUATION_ENVS = 100

MakeEnvironment = Callable[..., Environment]  # (num_envs=…, render_mode=…)
MakeNetwork = Callable[..., ActorCriticNetwork]  # (observation_space=…, action_space=…, heads=…, seed=…)


@dataclasses.dataclass(frozen=True)
class Experiment:
    """Everything that a run, an evaluation or an inspection starts from, and the programs compiled for it.

    variables: of all runs that train together, with an axis of runs. fresh_variables: variables as runs from a first
    seed on begin with. prober: of one run; None where nothing is probed.
    """

    learner: Learner
    variables: TrainState
    fresh_variables: Callable[[int], TrainState]
    make_environment: MakeEnvironment
    prober: Prober | None
    _compiled: dict[tuple, Any] = dataclasses.field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Environment steps done, of each run."""
        return int(self.variables.iteration) * self.learner.steps_per_iteration

    def started_in(self, other: "Experiment") -> "Experiment":
        """Puts the beginning of this experiment into the variables of another one, whose programs then serve it.

        For compiled environments only, which have no state outside of the variables.
        """
        assign(other.variables, read(self.variables))
        return dataclasses.replace(self, variables=other.variables, _compiled=other._compiled)

    def programs(self, *, probe_every: int) -> Programs:
        """The programs that train it, made once; probes every `probe_every` iterations, if there are any."""
        key = ("programs", probe_every)
        if key not in self._compiled:
            self._compiled[key] = Programs(self.learner, self.variables, self.prober, probe_every)
        return self._compiled[key]

    def evaluator(self, episodes: int, *, max_steps: int) -> Evaluator:
        """The evaluator of its policies, made once; each run has up to 100 environments, which divide the episodes.

        max_steps: at which an episode is cut.
        """
        key = ("evaluator", episodes, max_steps)
        if key not in self._compiled:
            num_envs = max(n for n in range(1, _MAX_EVALUATION_ENVS + 1) if episodes % n == 0)
            # A process for each of a hundred environments would be too much.
            one_process = {"vectorization": "sync"} if self.learner.environment.in_processes else {}
            self._compiled[key] = Evaluator(
                lambda num_envs: self.make_environment(num_envs=num_envs, **one_process),
                self.greedy,
                episodes=episodes,
                num_envs=num_envs,
                max_steps=max_steps,
                num_runs=self.learner.axis.num_runs,
            )
        return self._compiled[key]

    def greedy(self, observation: tf.Tensor) -> tf.Tensor:
        """The most likely action under the variables as they stand, [N, ...]; with S runs S·N, run after run."""
        axis, actor = self.learner.axis, self.learner.actor
        acting = self.learner.acting(read(self.variables))
        return axis.merge(axis.each(actor.greedy)(acting, axis.split(observation)))

    def audit(self) -> dict[str, dict[str, str]]:
        """The leak audit of every update: {objective: {weight: none, zero or non-zero}}.

        Raises: LeakError where an objective reaches other weights than it declares.
        """
        take = functools.partial(self.learner.axis.take, run=0)
        return audit_updates(self.learner, tf.nest.map_structure(take, read(self.variables)))


def build_experiment(
    *,
    agent: Agent,
    make_environment: MakeEnvironment,
    make_network: MakeNetwork,
    combiner: Combiner,
    optimizer: Optimizer,
    schedules: Mapping[str, Schedule],
    normalizer: Normalizer,
    freeze: Freeze,
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
        num_runs: runs to train together in one program, of the seeds `seed`, `seed + 1`, ….

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
    spaces = Spaces(environment.observation_space, environment.action_space)
    make_network = functools.partial(
        make_network,
        observation_space=spaces.observation,
        action_space=spaces.action,
        heads=agent.heads(spaces),
    )
    model = make_network(seed=seed)
    axis = Runs(num_runs) if num_runs > 1 else OneRun()
    learner = Learner(
        agent=agent,
        model=model,
        environment=environment,
        combiner=combiner,
        optimizer=optimizer,
        schedules=schedules,
        normalizer=normalizer,
        total_steps=steps,
        freeze=freeze,
        axis=axis,
        environments=make_environment(num_envs=num_envs * num_runs) if num_runs > 1 else environment,
    )
    require(
        combiner.is_sum or any(rule.shared for rule in learner.rules.values()),
        "the combiner has nothing to act on, since the network shares no weights: choose combiner=sum, or share "
        "a torso (network.shared=true).",
    )
    require_memory(learner)
    known = Oracle(learner) if oracle else None

    def variables(number: int) -> TrainState:
        network = model.network if number == seed else make_network(seed=number).network
        return initial_variables(learner, network, run_seed(number))

    def fresh_variables(first: int) -> TrainState:
        return stacked(axis, [variables(number) for number in range(first, first + num_runs)])

    prober = Prober(learner, probes, num_samples=probe_samples, oracle=known) if probes or known else None
    return Experiment(learner, fresh_variables(seed), fresh_variables, make_environment, prober)
