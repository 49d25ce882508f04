"""One iteration's learning as a pure function: from (state, trajectory) to (state, numbers to log)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from rl import inputs
from rl.agents import LIVE, Agent, Phase, Update, roles_of
from rl.environments import Environment, Trajectory
from rl.environments.boundary import all_sound_within
from rl.errors import require
from rl.estimators import masked_mean
from rl.frozen import Schedule
from rl.learning.actor import Acting, Actor
from rl.learning.episodes import episode_metrics, follow_episodes
from rl.learning.minibatch import Minibatch, losses_of, roles_at, watch_of
from rl.learning.normalization import Normalizer
from rl.learning.rollout import rollout, trajectory_spec
from rl.learning.rounds import Metrics, Proposal, run_phase
from rl.learning.seeds import Purpose, fold
from rl.learning.state import TrainState
from rl.networks import ActorCriticNetwork, Network
from rl.randomness import uniforms
from rl.updates import UpdateRule
from rl.updates.combiners import Combiner
from rl.updates.optimizers import Optimizer


class RolloutNoise(NamedTuple):
    """All that is random in a rollout: the policy's noise [T, N, ...], the environment's uniform numbers [T, N, u]."""

    noise: tf.Tensor
    uniforms: tf.Tensor


class Learner:
    """An agent, its network, its rules and its frozen copies, put together into two pure functions.

    `collect` acts, `learn` learns. Neither holds a variable: the state goes in and comes out.
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
    ):
        """
        Args:
            combiner, optimizer: of every update's rule.
            schedules: {role: how the frozen copy moves}.
            total_steps: environment steps of the whole run, for the learning-rate schedule.
        Raises: ConfigError where the agent's minibatches do not divide its batch, or a frozen copy is missing.
        """
        agent.check_frozen(schedules)
        self.agent, self.model, self.environment = agent, model, environment
        self.combiner, self.optimizer, self.schedules = combiner, optimizer, dict(schedules)
        self.phases = agent.phases(model, environment)
        self.updates = {update.name: update for phase in self.phases for update in phase.updates}
        """{name: update}, of all phases in order."""
        self.rules = {
            name: update_rule(update, model.network, combiner, optimizer) for name, update in self.updates.items()
        }
        """{update: its rule}."""
        self.normalizer, self.total_steps = normalizer, total_steps
        self.actor = Actor(agent, model, normalizer)
        self.steps_per_iteration = agent.rollout_length * environment.num_envs
        for phase in self.phases:
            require(
                self.steps_per_iteration % phase.source.minibatches == 0,
                f"agent.minibatches is {phase.source.minibatches}, which does not divide the batch of "
                f"{self.steps_per_iteration} "
                f"samples (num_envs {environment.num_envs} × agent.rollout_length {agent.rollout_length}).",
            )

    @property
    def num_iterations(self) -> int:
        """Iterations until at least `total_steps` environment steps are done."""
        return -(-self.total_steps // self.steps_per_iteration)

    @property
    def hyperparameters(self) -> dict[str, float]:
        """The numbers that a state brings along as inputs of the programs, by their config keys."""
        numbers = {"steps": float(self.total_steps)}
        for path, part in self._parts.items():
            numbers |= inputs.at(path, inputs.inputs_of(part))
        return numbers

    def with_hyperparameters(self, numbers: Mapping[str, Any]) -> "Learner":
        """The same learner with other numbers, which may be tensors; see `hyperparameters`."""
        parts = {path: inputs.with_inputs(part, inputs.below(path, numbers)) for path, part in self._parts.items()}
        return Learner(
            agent=parts["agent"],
            model=self.model,
            environment=self.environment,
            combiner=self.combiner,
            optimizer=parts["optimizer"],
            schedules={role: parts[f"frozen.{role}"] for role in self.schedules},
            normalizer=parts["normalize"],
            total_steps=numbers["steps"],
        )

    @property
    def _parts(self) -> dict[str, Any]:
        copies = {f"frozen.{role}": schedule for role, schedule in self.schedules.items()}
        return {"agent": self.agent, "optimizer": self.optimizer, "normalize": self.normalizer, **copies}

    def collect(self, state: TrainState, random: RolloutNoise) -> tuple[TrainState, Trajectory]:
        """A rollout with the live weights: the state with its environments further on, and the trajectory as it
        came.
        """
        acting = Acting(state.weights, state.normalizer, state.hyperparameters)

        def act(observation, noise):
            return self.actor.act(acting, observation, noise)

        environment, observation, trajectory = rollout(
            self.environment, act, random.noise, random.uniforms, state.environment, state.observation
        )
        return state._replace(environment=environment, observation=observation), trajectory

    def learn(self, state: TrainState, trajectory: Trajectory) -> tuple[TrainState, Metrics]:
        """All updates from a trajectory.

        The metric `bad_update` is −1, or the number of the first update of a phase whose losses or gradient are not
        finite, 0 where the trajectory itself holds what is not: the state then comes back as it went in.
        """
        learner, before, bad = self.with_hyperparameters(state.hyperparameters), state, tf.constant(-1)
        if unchecked := self._unchecked(trajectory):
            bad = tf.where(all_sound_within(*unchecked), -1, 0)
        state, trajectory, metrics = learner.ingest(state, trajectory)
        for phase in learner.phases:
            state, more, phase_bad = run_phase(learner, phase, state, trajectory)
            metrics.update(more)
            bad = tf.where(bad < 0, phase_bad, bad)
        after = state._replace(iteration=state.iteration + 1)
        after = tf.nest.map_structure(
            lambda new, old: new if new is old else tf.where(bad < 0, new, old), after, before
        )
        return after, {**metrics, "bad_update": tf.cast(bad, tf.float32)}

    def _unchecked(self, trajectory: Trajectory) -> list[tf.Tensor]:
        """What may hold numbers that are not finite."""
        fields = {
            "observation": [trajectory.observation, trajectory.next_observation],
            "reward": [trajectory.reward],
        }
        return [tensor for field in self.environment.unchecked for tensor in fields[field]]

    def orders(self, phase: Phase, state: TrainState) -> tf.Tensor | None:
        """The samples' order in every round of a phase, [rounds, B]; None where there is nothing to choose."""
        return phase.source.orders(self._seed(Purpose.SHUFFLE, state, phase), self.steps_per_iteration)

    def draw(
        self, phase: Phase, batch: Any, orders: tf.Tensor | None, state: TrainState, number: int | tf.Tensor
    ) -> Any:
        """The settled samples of round `number` of a prepared batch."""
        drawn = phase.source.draw(batch, orders, number)
        return phase.settle(drawn, self._seed(Purpose.SETTLE, state, phase, number))

    def before(self, update: Update, batch: Any, state: TrainState, number: int | tf.Tensor) -> Minibatch:
        """A minibatch and all that an update of round `number` starts from."""
        seed = self._seed(Purpose.COMBINER, state, update, number)
        return Minibatch(batch, roles_of(state.weights, state.frozen), state.rules[update.name], seed)

    def propose(self, update: Update, minibatch: Minibatch, progress: tf.Tensor) -> Proposal:
        """Rows, their combination, and the step; nothing is applied."""
        rule, (batch, roles, rule_state, seed) = self.rules[update.name], minibatch
        rows = rule.rows(losses_of(update, batch), roles_at(update, roles), watch=watch_of(update))
        direction, rule_state = rule.combine(rows, rule_state, seed)
        step, rule_state = rule.step(direction.gradient, roles[LIVE], rule_state, progress)
        return Proposal(direction, step, rule_state)

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
        """Shapes and types of what `collect` records."""
        return trajectory_spec(self.environment, self.agent.rollout_length)

    def rollout_noise(self, seed: tf.Tensor, iteration: tf.Tensor) -> RolloutNoise:
        """What is random in the rollout of an iteration."""
        shape = (self.agent.rollout_length, self.environment.num_envs)
        noise = self.actor.noise(fold(seed, Purpose.ACTION, iteration), shape)
        seed = fold(seed, Purpose.ENVIRONMENT, iteration)
        return RolloutNoise(noise, uniforms(seed, (*shape, self.environment.num_uniforms)))

    def ingest(self, state: TrainState, trajectory: Trajectory) -> tuple[TrainState, Trajectory, Metrics]:
        """What comes before the first update: refreshes the frozen copies, normalises the trajectory and updates the
        statistics.
        """
        frozen = {
            role: schedule.at_iteration(state.frozen[role], state.weights) for role, schedule in self.schedules.items()
        }
        ended = trajectory.terminated | trajectory.truncated
        episodes, summary = follow_episodes(state.episodes, trajectory.reward, ended, trajectory.valid)
        seen = self.normalizer.update(
            state.normalizer, trajectory.observation, trajectory.reward, ended, trajectory.valid
        )
        normalized = trajectory._replace(
            # The policy acted on observations scaled by the statistics before this rollout.
            observation=self.normalizer.observation(state.normalizer, trajectory.observation),
            next_observation=self.normalizer.observation(state.normalizer, trajectory.next_observation),
            reward=self.normalizer.reward(seen, trajectory.reward),
        )
        metrics = {
            **episode_metrics(summary),
            "value/reward_mean": masked_mean(normalized.reward, tf.cast(trajectory.valid, tf.float32)),
        }
        return state._replace(frozen=frozen, episodes=episodes, normalizer=seen), normalized, metrics


def update_rule(
    update: Update, network: Network, combiner: Combiner, optimizer: Optimizer, *, always_rows: bool = False
) -> UpdateRule:
    """How an update's objectives move a network; see `UpdateRule`."""
    return UpdateRule(
        objectives=update.objectives,
        groups=update.groups,
        names=network.names,
        shared=network.shared,
        heads=network.heads,
        combiner=combiner,
        optimizer=optimizer,
        always_rows=always_rows,
    )
