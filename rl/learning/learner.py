"""What a run learns with: agent, network, update rules and frozen copies, put together and checked."""

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
from rl.learning.rules import check_copies, check_sources, update_rule
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
    """An agent, its network, its rules and its frozen copies: what `collect` and `learn` are functions of.

    It holds no variable. Both functions take the states of all runs that train in one program, along `axis`, and return
    them; the methods here are about one run.
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
            environment: of one run.
            combiner, optimizer: of every update's rule.
            schedules: {role: how the frozen copy moves}.
            total_steps: environment steps of the whole run, for the learning-rate schedule.
            freeze: weights that no update moves; none, if not given.
            axis: of the runs that train together; one run, if not given.
            environments: the environments of all of them as one, if there are several.
        Raises: ConfigError where the agent's minibatches do not divide its batch, or a frozen copy is missing.
        """
        agent.check_frozen(schedules)
        self.agent, self.model, self.environment = agent, model, environment
        self.combiner, self.optimizer, self.schedules = combiner, optimizer, dict(schedules)
        self.freeze = freeze
        self.axis, self.environments = axis or OneRun(), environments or environment
        self.phases = agent.phases(model, environment)
        self.updates = {update.name: update for phase in self.phases for update in phase.updates}
        """{name: update}, of all phases in order."""
        self.rules = {
            name: update_rule(update, model.network, combiner, optimizer, freeze=freeze)
            for name, update in self.updates.items()
        }
        """{update: its rule}."""
        phases = [phase.name for phase in self.phases]
        check_copies(self.schedules, phases, list(self.updates), acts_with=agent.acts_with)
        self.normalizer, self.total_steps = normalizer, total_steps
        self.actor = Actor(agent, model, normalizer)
        self.steps_per_iteration = agent.rollout_length * environment.num_envs
        check_sources(self.phases, agent, environment.num_envs)

    @property
    def num_iterations(self) -> int:
        """Iterations until at least `total_steps` environment steps are done."""
        return -(-self.total_steps // self.steps_per_iteration)

    @property
    def shared(self) -> tuple[str, ...]:
        """The parts that more than one group's gradient reaches, whichever updates the groups belong to."""
        network, rules = self.model.network, self.rules.values()
        return shared_parts(network.names, network.heads, [places for rule in rules for places in rule.reads.values()])

    @property
    def hyperparameters(self) -> dict[str, float]:
        """The numbers that a state brings along as inputs of the programs, by their config keys."""
        numbers = {"steps": float(self.total_steps)}
        for path, part in self._parts.items():
            numbers |= inputs.at(path, inputs.inputs_of(part))
        return numbers

    def at(self, state: TrainState) -> "Learner":
        """The learner of one run at a moment: with the numbers that its state brings along, and the values that
        schedules have at its environment step.
        """
        numbers, step = state.hyperparameters, self.steps_done(state.iteration)
        parts = {
            path: at_step(inputs.with_inputs(part, inputs.below(path, numbers)), step)
            for path, part in self._parts.items()
        }
        return Learner(
            agent=parts["agent"],
            model=self.model,
            environment=self.environment,
            combiner=self.combiner,
            optimizer=parts["optimizer"],
            schedules={role: parts[f"frozen.{role}"] for role in self.schedules},
            normalizer=parts["normalize"],
            total_steps=numbers["steps"],
            freeze=self.freeze and self.freeze.at(step),
        )

    def steps_done(self, iteration: tf.Tensor) -> tf.Tensor:
        """Environment steps done before an iteration, [] float32."""
        return tf.cast(iteration, tf.float32) * float(self.steps_per_iteration)

    def of(self, state: TrainState, phase: Phase) -> tuple["Learner", Phase]:
        """The learner at a moment of one run, and its phase of the same name; see `at`."""
        learner = self.at(state)
        return learner, next(one for one in learner.phases if one.name == phase.name)

    @property
    def _parts(self) -> dict[str, Any]:
        copies = {f"frozen.{role}": schedule for role, schedule in self.schedules.items()}
        return {"agent": self.agent, "optimizer": self.optimizer, "normalize": self.normalizer, **copies}

    def acting(self, state: TrainState, role: str = LIVE) -> Acting:
        """What of a state acting takes; role: whose weights act."""
        weights = state.weights if role == LIVE else state.frozen[role].weights
        return Acting(weights, state.normalizer, state.hyperparameters, self.steps_done(state.iteration))

    def num_samples(self, phase: Phase) -> int:
        """Samples of a phase's prepared batch."""
        return self.steps_per_iteration * phase.source.iterations

    def orders(self, phase: Phase, state: TrainState) -> Orders:
        """The samples of every round of a phase."""
        return phase.source.orders(self._seed(Purpose.SHUFFLE, state, phase), self.num_samples(phase))

    def draw(self, phase: Phase, batch: Any, orders: Orders, state: TrainState, number: int | tf.Tensor) -> Any:
        """The settled samples of round `number` of a prepared batch."""
        drawn = phase.source.draw(batch, orders, number)
        return phase.settle(drawn, self._seed(Purpose.SETTLE, state, phase, number))

    def before(self, update: Update, batch: Any, state: TrainState, number: int | tf.Tensor) -> Minibatch:
        """A minibatch and all that an update of round `number` starts from."""
        seed = self._seed(Purpose.COMBINER, state, update, number)
        return Minibatch(update, batch, roles_of(state.weights, state.frozen), state.rules[update.name], seed)

    def _seed(self, purpose: Purpose, state: TrainState, of: Phase | Update, *number: int | tf.Tensor) -> tf.Tensor:
        """A seed of an iteration, for a phase or an update by its place among all."""
        of_all = self.phases if isinstance(of, Phase) else self.updates.values()
        place = [one.name for one in of_all].index(of.name)
        return fold(state.seed, purpose, state.iteration, place, *number)

    def progress(self, state: TrainState) -> tf.Tensor:
        """The share of the run's environment steps that is done, [] float32."""
        done = tf.cast(state.iteration, tf.float32) * (self.steps_per_iteration / self.total_steps)
        return tf.minimum(done, 1.0)

    def trajectory_spec(self) -> Trajectory:
        """Shapes and types of what `collect` records of one run."""
        length = self.agent.rollout_length
        return trajectory_spec(self.environment, length, self.actor.extras_spec(self.environment, length))

    def rollout_noise(self, seed: tf.Tensor, iteration: tf.Tensor) -> RolloutNoise:
        """What is random in the rollouts of an iteration; seed: [2] of one run, [S, 2] of several."""
        return self.axis.each(self._rollout_noise)(seed, iteration)

    def _rollout_noise(self, seed: tf.Tensor, iteration: tf.Tensor) -> RolloutNoise:
        shape = (self.agent.rollout_length, self.environment.num_envs)
        noise = self.actor.noise(fold(seed, Purpose.ACTION, iteration), shape)
        seed = fold(seed, Purpose.ENVIRONMENT, iteration)
        return RolloutNoise(noise, uniforms(seed, (*shape, self.environment.num_uniforms)))

    def copies_before(self, phase: str | None, state: TrainState) -> dict[str, FrozenState]:
        """{role: copy} of all frozen copies, those refreshed that are due before a phase; None: before an iteration."""
        return copies_before(self.schedules, phase, state.frozen, state.weights)
