"""An experiment: the parts of a run, built and connected before anything is trained."""

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
from rl.learning.initial import initial_variables, stacked, with_combiners_begun
from rl.learning.learner import Learner
from rl.learning.many_runs import Runs
from rl.learning.normalization import Normalizer
from rl.learning.one_run import OneRun
from rl.learning.programs import Programs
from rl.learning.seeds import run_seed
from rl.learning.state import TrainState, assign, read
from rl.networks import ActorCriticNetwork
from rl.runs.evaluation import Evaluator
from rl.runs.fitting import check_combined, check_phases, check_weights
from rl.runs.memory import require_memory
from rl.spaces import Spaces, same
from rl.updates.combiners import Combiner
from rl.updates.freezing import Freeze
from rl.updates.optimizers import Optimizer

_MAX_EVALUATION_ENVS = 100  # per run

MakeEnvironment = Callable[..., Environment]  # (num_envs=…, render_mode=…)
MakeNetwork = Callable[..., ActorCriticNetwork]  # (observation_space=…, action_space=…, heads=…, seed=…)


@dataclasses.dataclass(frozen=True)
class Experiment:
    """Everything that a run, an evaluation or an inspection starts from, and the programs compiled for it.

    variables: those of all runs that train together, with an axis of runs if there are several. fresh_variables: first
    seed → the initial variables of runs with consecutive seeds. make_environment: (num_envs=…, render_mode=…) →
    environments. prober: for one run; None where nothing is probed.
    """

    learner: Learner
    variables: TrainState
    fresh_variables: Callable[[int], TrainState]
    make_environment: MakeEnvironment
    prober: Prober | None
    _compiled: dict[tuple, Any] = dataclasses.field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Environment steps done by each run."""
        return int(self.variables.iteration) * self.learner.steps_per_iteration

    def started_in(self, other: "Experiment") -> "Experiment":
        """Copies this experiment's initial state into another one's variables, to reuse the other's compiled programs.

        For compiled environments only: their whole state is in the variables.

        Args:
            other: an experiment with the same programs; its variables are overwritten.
        Returns: this experiment with the variables and programs of the other one.
        """
        assign(other.variables, read(self.variables))
        return dataclasses.replace(self, variables=other.variables, _compiled=other._compiled)

    def programs(self, *, probe_every: int) -> Programs:
        """The training programs, built once for each `probe_every`; nothing is compiled yet.

        probe_every: iterations between probed iterations, ≥ 1.
        """
        key = ("programs", probe_every)
        if key not in self._compiled:
            self._compiled[key] = Programs(self.learner, self.variables, self.prober, probe_every)
        return self._compiled[key]

    def evaluator(self, episodes: int, *, max_steps: int, sampled: bool = False) -> Evaluator:
        """The evaluator of the greedy policies, built once for each set of arguments.

        Each run gets up to 100 environments, a divisor of `episodes`.

        Args:
            episodes: number of episodes per run, ≥ 1.
            max_steps: environment steps after which an episode is cut, ≥ 1.
            sampled: whether the actions are sampled as in training; of a single run only.
        """
        key = ("evaluator", episodes, max_steps, sampled)
        if key not in self._compiled:
            num_envs = max(n for n in range(1, _MAX_EVALUATION_ENVS + 1) if episodes % n == 0)
            # One process for each of up to a hundred environments would be too many.
            one_process = {"vectorization": "sync"} if self.learner.environment.in_processes else {}
            self._compiled[key] = Evaluator(
                lambda num_envs: self.make_environment(num_envs=num_envs, **one_process),
                self.sampled if sampled else self.greedy,
                episodes=episodes,
                num_envs=num_envs,
                max_steps=max_steps,
                num_runs=self.learner.axis.num_runs,
                noise=self.learner.actor.noise if sampled else None,
            )
        return self._compiled[key]

    @property
    def environments(self) -> list[Environment]:
        """The environments of training and of all evaluators made so far, all open."""
        evaluators = [made for made in self._compiled.values() if isinstance(made, Evaluator)]
        return [self.learner.environment, *(one.environment for one in evaluators)]

    def greedy(self, observation: tf.Tensor) -> tf.Tensor:
        """The most likely actions under the current variables, [N, ...]; with S runs [S·N, ...], run by run."""
        axis, actor = self.learner.axis, self.learner.actor
        acting = self.learner.acting(read(self.variables))
        return axis.merge(axis.each(actor.greedy)(acting, axis.split(observation)))

    def sampled(self, observation: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """The actions [N, ...] that would act in training, exploration included; of a single run.

        Args: observation: [N, ...]; noise: one step of `Actor.noise`, [N, ...].
        """
        return self.learner.actor.act(self.learner.acting(read(self.variables)), observation, noise).action

    def elsewhere(self, make_environment: MakeEnvironment) -> "Experiment":
        """The same experiment and variables with other environments for evaluation and videos.

        Raises: ConfigError where their observations or actions are not those that the policy was trained with.
        """
        there, here = make_environment(num_envs=1), self.learner.environment
        for kind in ("observation_space", "action_space"):
            own, other = getattr(here, kind), getattr(there, kind)
            require(same(own, other), f"environment: its {kind} is {other}, and the policy was trained with {own}.")
        there.close()
        return dataclasses.replace(self, make_environment=make_environment, _compiled={})

    def with_combiner(self, combiner: Combiner) -> "Experiment":
        """The same experiment, of one run, with another combiner, at the state that it has reached.

        Weights, optimizer slots, frozen copies, statistics, memory, counters and environments are the same objects. The
        combiner's own state, if it has one, begins anew. Programs are compiled anew.

        Raises: ConfigError if the combiner does not fit the agent's groups, or no weights are shared.
        """
        learner = self.learner.with_combiner(combiner)
        check_combined(learner)
        check_weights(learner)
        prober = self.prober and Prober(
            learner,
            self.prober.probes,
            num_samples=self.prober.num_samples,
            oracle=self.prober.oracle and Oracle(learner),
        )
        evaluators = {key: made for key, made in self._compiled.items() if isinstance(made, Evaluator)}
        variables = with_combiners_begun(learner, self.variables)
        return dataclasses.replace(self, learner=learner, variables=variables, prober=prober, _compiled=evaluators)

    def audit(self) -> dict[str, dict[str, dict[str, str]]]:
        """Audits which weights the gradient of every objective reaches, for the first run.

        Returns: {update: {objective: {weight: none, zero or non-zero}}}.
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
    """Builds environment, network, update rules and variables.

    Args:
        make_environment: (num_envs=…, render_mode=…) → environments.
        make_network: (observation_space=…, action_space=…, heads=…, seed=…) → network.
        combiner, optimizer: those of every update of the agent.
        schedules: {role of a frozen copy: when it is synced}.
        normalizer: of observations and rewards.
        freeze: the weights that do not learn, and until when.
        probes: functions of the evidence of an update; may be empty.
        probe_samples: maximum number of samples of a minibatch that get rows of their own, where a probe needs them.
        oracle: whether rows are compared with the true ones of a finite MDP.
        num_envs: environments per run.
        steps: environment steps per run, rounded up to whole rollouts.
        seed: ≥ 0; all random numbers of the first run depend on it.
        num_runs: number of runs trained together in one program, with the seeds `seed`, `seed + 1`, ….
    Raises: ConfigError where parts do not fit together, or trajectories do not fit into memory.
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
    check_combined(learner)
    check_weights(learner)
    check_phases(learner)
    require_memory(learner)
    known = Oracle(learner) if oracle else None

    def variables(number: int) -> TrainState:
        network = model.network if number == seed else make_network(seed=number).network
        return initial_variables(learner, network, run_seed(number))

    def fresh_variables(first: int) -> TrainState:
        return stacked(axis, [variables(number) for number in range(first, first + num_runs)])

    prober = Prober(learner, probes, num_samples=probe_samples, oracle=known) if probes or known else None
    return Experiment(learner, fresh_variables(seed), fresh_variables, make_environment, prober)
