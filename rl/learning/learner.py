"""The learner: an agent with its network, update rules, frozen copies and normaliser, checked against each other."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from rl import inputs
from rl.agents import LIVE, Agent, Phase, Update, roles_of
from rl.environments import Environment, Trajectory
from rl.frozen import FrozenState, Schedule, copies_before
from rl.gradients import shared_parts
from rl.learning.actor import Acting, Actor
from rl.learning.axis import Axis
from rl.learning.minibatch import Minibatch
from rl.learning.normalization import Normalizer
from rl.learning.one_run import OneRun
from rl.learning.rollout import RolloutNoise, trajectory_spec
from rl.learning.rules import check_copies, check_names, check_sources, update_rule
from rl.learning.seeds import Purpose, fold
from rl.learning.state import TrainState
from rl.networks import ActorCriticNetwork
from rl.randomness import uniforms
from rl.schedules import at_step
from rl.sources import Orders
from rl.updates.combiners import Combiner
from rl.updates.freezing import Freeze
from rl.updates.optimizers import Optimizer


class Learner:
    """Everything constant that `collect` and `learn` depend on: agent, network, update rules, copies' schedules.

    It holds no variables. `collect` and `learn` take and return the state of all runs that train in one program, along
    `axis`; methods that take a `TrainState` are about one run, unless they say otherwise.
    """

    def __init__(
        self,
        *,
        agent: Agent,
        model: ActorCriticNetwork,
        environment: Environment,
        combiner: Combiner,
        optimizer: Optimizer,
        schedules: Mapping[str, Schedule],
        normalizer: Normalizer,
        total_steps: int,
        freeze: Freeze | None = None,
        axis: Axis | None = None,
        environments: Environment | None = None,
    ):
        """
        Args:
            agent: defines heads, phases and updates.
            model: the network and the action distribution.
            environment: the N environments of one run.
            combiner, optimizer: used in the rule of every update.
            schedules: {role of a frozen copy: its schedule}.
            normalizer: scales observations and rewards.
            total_steps: environment steps of the whole run, for the learning-rate schedule.
            freeze: the weights that no update moves; None for none.
            axis: of the runs that train together; None for a single run.
            environments: the S · N environments of all runs, stepped together; None for a single run.
        Raises: ConfigError if the agent's minibatches do not divide its batch, a frozen copy that the agent needs is
            missing, or one follows an unknown phase or update.
        """
        agent.check_frozen(schedules)
        self.agent, self.model, self.environment = agent, model, environment
        self.combiner, self.optimizer, self.schedules = combiner, optimizer, dict(schedules)
        self.freeze = freeze
        self.axis, self.environments = axis or OneRun(), environments or environment
        self.phases = agent.phases(model, environment)
        check_names(self.phases, model.network.parts)
        self.updates = {update.name: update for phase in self.phases for update in phase.updates}
        """{name: update}, the updates of all phases in order."""
        self.rules = {
            name: update_rule(update, model.network, combiner, optimizer, freeze=freeze)
            for name, update in self.updates.items()
        }
        """{update: its update rule}."""
        phases = [phase.name for phase in self.phases]
        check_copies(self.schedules, phases, list(self.updates), acts_with=agent.acts_with)
        self.normalizer, self.total_steps = normalizer, total_steps
        self.actor = Actor(agent, model, normalizer)
        self.alternates = any(phase.source.replays for phase in self.phases)
        """Whether acting and learning alternate within an iteration."""
        self.steps_per_iteration = agent.ticks * agent.rollout_length * environment.num_envs
        check_sources(self.phases, agent, environment.num_envs)

    def with_combiner(self, combiner: Combiner) -> "Learner":
        """The same learner with another combiner in every update rule. Raises: ConfigError if it does not fit."""
        return self._remade(combiner=combiner)

    @property
    def num_iterations(self) -> int:
        """Number of iterations of a whole run: `total_steps` divided by the steps per iteration, rounded up."""
        return -(-self.total_steps // self.steps_per_iteration)

    @property
    def shared(self) -> tuple[str, ...]:
        """The parts that more than one group's gradient reaches, also if the groups belong to different updates."""
        network, rules = self.model.network, self.rules.values()
        return shared_parts(network.names, network.heads, [places for rule in rules for places in rule.reads.values()])

    @property
    def hyperparameters(self) -> dict[str, float]:
        """The settings that are inputs of the programs, {config key: number}.

        A state carries them as tensors, so that a sweep over them compiles one program and runs in one program can
        differ in them.
        """
        numbers = {"steps": float(self.total_steps)}
        for path, part in self._parts.items():
            numbers |= inputs.at(path, inputs.inputs_of(part))
        return numbers

    def at(self, state: TrainState) -> "Learner":
        """The learner of one run with the hyperparameters in its state, and scheduled ones at its environment step.

        Its hyperparameters are tensors, whose ranges are not checked again.
        """
        numbers, step = state.hyperparameters, self.steps_done(state.iteration)
        parts = {
            path: at_step(inputs.with_inputs(part, inputs.below(path, numbers)), step)
            for path, part in self._parts.items()
        }
        return self._remade(
            agent=parts["agent"],
            optimizer=parts["optimizer"],
            schedules={role: parts[f"frozen.{role}"] for role in self.schedules},
            normalizer=parts["normalize"],
            total_steps=numbers["steps"],
            freeze=self.freeze and self.freeze.at(step),
            axis=None,
            environments=None,
        )

    def _remade(self, **other: Any) -> "Learner":
        """A learner of the same parts but for those given, {argument of the constructor: value}."""
        kept = ("agent", "model", "environment", "combiner", "optimizer", "schedules", "normalizer", "total_steps")
        own = {name: getattr(self, name) for name in (*kept, "freeze", "axis", "environments")}
        return Learner(**{**own, **other})

    def steps_done(self, iteration: tf.Tensor) -> tf.Tensor:
        """Environment steps that one run has done before an iteration, counted from 0, [] float32."""
        return tf.cast(iteration, tf.float32) * float(self.steps_per_iteration)

    def of(self, state: TrainState, phase: Phase) -> tuple["Learner", Phase]:
        """The learner `at` a state of one run, and that learner's phase of the same name.

        A phase's functions are bound to its agent's hyperparameters, so this learner's own phase would use constants.
        """
        learner = self.at(state)
        return learner, next(one for one in learner.phases if one.name == phase.name)

    @property
    def _parts(self) -> dict[str, Any]:
        """{config key: the settings object there}, those whose fields may be inputs of programs."""
        copies = {f"frozen.{role}": schedule for role, schedule in self.schedules.items()}
        return {"agent": self.agent, "optimizer": self.optimizer, "normalize": self.normalizer, **copies}

    def acting(self, state: TrainState, role: str = LIVE) -> Acting:
        """The part of a state that the actor needs.

        Args:
            state: of all runs or of one.
            role: whose weights act, `live` or a frozen copy.
        """
        weights = state.weights if role == LIVE else state.frozen[role].weights
        return Acting(weights, state.normalizer, state.hyperparameters, self.steps_done(state.iteration))

    def num_samples(self, phase: Phase) -> int:
        """Number of samples in a phase's prepared batch, of one run; invalid samples count too."""
        return phase.source.num_samples(self.steps_per_iteration)

    def orders(self, phase: Phase, state: TrainState) -> Orders:
        """Draws which samples each round of a phase uses in the state's iteration; see `Source.orders`."""
        return phase.source.orders(self._seed(Purpose.SHUFFLE, state, phase), self.num_samples(phase))

    def draw(self, phase: Phase, batch: Any, orders: Orders, state: TrainState, number: int | tf.Tensor) -> Any:
        """The minibatch of one round of a phase, settled: all its random numbers are drawn.

        Args:
            batch: the phase's prepared batch.
            orders: from `orders`.
            state: its seed and iteration determine the random numbers.
            number: the round, from 0.
        """
        drawn = phase.source.draw(batch, orders, number)
        return phase.settle(drawn, self._seed(Purpose.SETTLE, state, phase, number))

    def before(self, update: Update, batch: Any, state: TrainState, number: int | tf.Tensor) -> Minibatch:
        """The arguments of an update in round `number`: settled samples `batch`, and weights and rule of the state."""
        seed = self._seed(Purpose.COMBINER, state, update, number)
        return Minibatch(update, batch, roles_of(state.weights, state.frozen), state.rules[update.name], seed)

    def _seed(self, purpose: Purpose, state: TrainState, of: Phase | Update, *number: int | tf.Tensor) -> tf.Tensor:
        """A seed [2] for one purpose in the state's iteration.

        Args:
            of: the phase or update that needs it; its index among all is folded in.
            number: further numbers to fold in, such as the round.
        """
        of_all = self.phases if isinstance(of, Phase) else self.updates.values()
        place = [one.name for one in of_all].index(of.name)
        return fold(state.seed, purpose, state.iteration, place, *number)

    def progress(self, state: TrainState) -> tf.Tensor:
        """Fraction of the run's environment steps that are done, [] float32 in [0, 1]."""
        done = tf.cast(state.iteration, tf.float32) * (self.steps_per_iteration / self.total_steps)
        return tf.minimum(done, 1.0)

    def trajectory_spec(self) -> Trajectory:
        """The TensorSpecs of one run's trajectory from `collect`, [T, N, ...]."""
        length = self.agent.rollout_length
        return trajectory_spec(self.environment, length, self.actor.extras_spec(self.environment, length))

    def rollout_noise(self, seed: tf.Tensor, iteration: tf.Tensor) -> RolloutNoise:
        """Draws all random numbers of an iteration's rollout at once.

        They are drawn outside the rollout's loop, where one operation draws them for all steps.

        Args:
            seed: the runs' seeds, [S, 2], or [2] for one run.
            iteration: [] int64, from 0.
        Returns: noise [T, N, ...] and uniform numbers [T, N, u], with the axis of runs in front if there is one.
        """
        return self.axis.each(self._rollout_noise)(seed, iteration)

    def _rollout_noise(self, seed: tf.Tensor, iteration: tf.Tensor) -> RolloutNoise:
        """`rollout_noise` of one run."""
        shape = (self.agent.ticks * self.agent.rollout_length, self.environment.num_envs)
        noise = self.actor.noise(fold(seed, Purpose.ACTION, iteration), shape)
        seed = fold(seed, Purpose.ENVIRONMENT, iteration)
        return RolloutNoise(noise, uniforms(seed, (*shape, self.environment.num_uniforms)))

    def refreshed_before(self, phase: Phase) -> tuple[str, ...]:
        """The roles of the frozen copies that are taken before a phase."""
        return tuple(role for role, schedule in self.schedules.items() if schedule.before == phase.name)

    def phase_of(self, update: str) -> Phase:
        """The phase to which an update belongs, by the update's name."""
        return next(phase for phase in self.phases if update in [one.name for one in phase.updates])

    def copies_before(self, phase: str | None, state: TrainState) -> dict[str, FrozenState]:
        """All frozen copies {role: copy}, refreshed if their schedules say so before this phase.

        Args:
            phase: a phase's name; None for the start of an iteration.
            state: its copies and live weights.
        """
        return copies_before(self.schedules, phase, state.frozen, state.weights)
