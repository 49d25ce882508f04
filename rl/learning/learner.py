"""One iteration's learning as a pure function: from (state, trajectory) to (state, numbers to log)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from rl import inputs
from rl.agents import Agent, Phase
from rl.environments import Environment, Trajectory
from rl.environments.boundary import all_sound_within
from rl.errors import require
from rl.estimators import masked_mean
from rl.frozen import FrozenState, Schedule
from rl.gradients import cosines, norms
from rl.gradients.rows import Weights
from rl.learning.episodes import follow_episodes
from rl.learning.minibatch import Minibatch, gather, watched
from rl.learning.normalization import Normalizer, NormalizerState
from rl.learning.rollout import rollout, trajectory_spec
from rl.learning.seeds import Purpose, fold
from rl.learning.shuffle import permutations
from rl.learning.state import TrainState
from rl.networks import ActorCriticNetwork, Network
from rl.randomness import uniforms
from rl.updates import Direction, RuleState, Step, UpdateRule
from rl.updates.combiners import Combiner
from rl.updates.optimizers import Optimizer

Metrics = dict[str, tf.Tensor]


class Chance(NamedTuple):
    """All that is random in a rollout: the policy's noise [T, N, ...], the environment's uniform numbers [T, N, u]."""

    noise: tf.Tensor
    uniforms: tf.Tensor


class Acting(NamedTuple):
    """What of a state acting takes."""

    weights: dict
    normalizer: NormalizerState
    hyperparameters: dict[str, tf.Tensor]


class _Loop(NamedTuple):
    """What goes from one update of a phase to the next.

    stopped: whether the rest is left out; bad: the number of the first update that is not finite, −1 if none; taken:
    how many updates entered the sums.
    """

    update: tf.Tensor
    weights: dict
    rule: RuleState
    frozen: dict[str, FrozenState]
    updates: tf.Tensor
    stopped: tf.Tensor
    bad: tf.Tensor
    taken: tf.Tensor
    sums: Metrics


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
            combiner, optimizer: of every phase's update rule.
            schedules: {role: how the frozen copy moves}.
            total_steps: environment steps of the whole run, for the learning-rate schedule.
        Raises: ConfigError where the agent's minibatches do not divide its batch, or a frozen copy is missing.
        """
        agent.check_frozen(schedules)
        self.agent, self.model, self.environment = agent, model, environment
        self.combiner, self.optimizer, self.schedules = combiner, optimizer, dict(schedules)
        self.phases = agent.phases(model, environment)
        self.rules = {phase.name: update_rule(phase, model.network, combiner, optimizer) for phase in self.phases}
        """{phase: its update rule}."""
        self.normalizer, self.total_steps = normalizer, total_steps
        self.steps_per_iteration = agent.rollout_length * environment.num_envs
        for phase in self.phases:
            require(
                self.steps_per_iteration % phase.minibatches == 0,
                f"agent.minibatches is {phase.minibatches}, which does not divide the batch of "
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

    def collect(self, state: TrainState, chance: Chance) -> tuple[TrainState, Trajectory]:
        """A rollout with the live weights: the state with its environments further on, and the trajectory as it
        came.
        """
        acting = Acting(state.weights, state.normalizer, state.hyperparameters)

        def act(observation, noise):
            return self.act(acting, observation, noise)

        environment, observation, trajectory = rollout(
            self.environment, act, chance.noise, chance.uniforms, state.environment, state.observation
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
        state, trajectory, metrics = learner.take_in(state, trajectory)
        for phase in learner.phases:
            state, more, phase_bad = learner._run(phase, state, trajectory)
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

    def minibatch(self, phase: Phase, state: TrainState, trajectory: Trajectory, update: int | tf.Tensor) -> Minibatch:
        """The minibatch of one update of a phase, as `learn` takes it, with the weights as they stand in `state`.

        State and trajectory are what `take_in` made of them.
        """
        batch, _ = phase.prepare(state.weights, state.frozen, trajectory)
        return self.pick(phase, batch, state, update)

    def pick(self, phase: Phase, batch: Any, state: TrainState, update: int | tf.Tensor) -> Minibatch:
        """One update's minibatch of a prepared batch."""
        picked = phase.settle(gather(batch, self._orders(phase, state.seed, state.iteration), update))
        seed = fold(state.seed, Purpose.COMBINER, state.iteration, self._place(phase), update)
        return Minibatch(picked, state.weights, state.frozen, state.rules[phase.name], seed)

    def update(self, phase: Phase, minibatch: Minibatch, progress: tf.Tensor) -> tuple[Direction, Step, RuleState]:
        """The step that a minibatch asks for; nothing is applied."""
        rule = self.rules[phase.name]
        direction, rule_state = rule.direction(*watched(phase, minibatch), minibatch.rule, minibatch.seed)
        step, rule_state = rule.step(direction.gradient, minibatch.weights, rule_state, progress)
        return direction, step, rule_state

    def _place(self, phase: Phase) -> int:
        return [one.name for one in self.phases].index(phase.name)

    def progress(self, state: TrainState) -> tf.Tensor:
        """The share of the run's environment steps that is done, [] float32."""
        done = tf.cast(state.iteration, tf.float32) * (self.steps_per_iteration / self.total_steps)
        return tf.minimum(done, 1.0)

    def names(self, weights: Weights) -> dict[str, tuple[str, ...]]:
        """The names of what is watched; those of a frozen copy begin with its role."""
        own = self.model.network.names
        copied = {part: part.split("/", 1) for part in weights if part not in own}
        return {
            part: tuple(f"{copied[part][0]}/{name}" for name in own[copied[part][1]]) if part in copied else own[part]
            for part in weights
        }

    def trajectory_spec(self) -> Trajectory:
        """Shapes and types of what `collect` records."""
        return trajectory_spec(self.environment, self.agent.rollout_length)

    def act(self, acting: Acting, observation: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """The actions of N environments."""
        return self.model.distribution.sample(self._policy(acting, observation), noise)

    def greedy(self, acting: Acting, observation: tf.Tensor) -> tf.Tensor:
        """The most likely actions in N environments."""
        return self.model.distribution.mode(self._policy(acting, observation))

    def _policy(self, acting: Acting, observation: tf.Tensor) -> tf.Tensor:
        learner = self.with_hyperparameters(acting.hyperparameters)
        seen = learner.normalizer.observation(acting.normalizer, observation)
        return learner.agent.policy(self.model, acting.weights, seen)

    def chance(self, seed: tf.Tensor, iteration: tf.Tensor) -> Chance:
        """What is random in the rollout of an iteration."""
        shape = (self.agent.rollout_length, self.environment.num_envs)
        noise = self.model.distribution.noise(shape, fold(seed, Purpose.ACTION, iteration))
        seed = fold(seed, Purpose.ENVIRONMENT, iteration)
        return Chance(noise, uniforms(seed, (*shape, self.environment.num_uniforms)))

    def take_in(self, state: TrainState, trajectory: Trajectory) -> tuple[TrainState, Trajectory, Metrics]:
        """What comes before the first update: refreshes the frozen copies, normalises the trajectory and lets the
        statistics see it.
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
        some = summary.count > 0
        nan = tf.constant(float("nan"))
        metrics = {
            "episode/return": tf.where(some, summary.return_sum / summary.count, nan),
            "episode/return_min": tf.where(some, summary.return_min, nan),
            "episode/return_max": tf.where(some, summary.return_max, nan),
            "episode/length": tf.where(some, summary.length_sum / summary.count, nan),
            "episode/count": summary.count,
            "value/reward_mean": masked_mean(normalized.reward, tf.cast(trajectory.valid, tf.float32)),
        }
        return state._replace(frozen=frozen, episodes=episodes, normalizer=seen), normalized, metrics

    def _run(self, phase: Phase, state: TrainState, trajectory: Trajectory) -> tuple[TrainState, Metrics, tf.Tensor]:
        batch, metrics = phase.prepare(state.weights, state.frozen, trajectory)
        orders = self._orders(phase, state.seed, state.iteration)
        num_updates, progress = phase.epochs * phase.minibatches, self.progress(state)

        def body(*carry):
            loop = _Loop(*carry)
            seed = fold(state.seed, Purpose.COMBINER, state.iteration, self._place(phase), loop.update)
            picked = phase.settle(gather(batch, orders, loop.update))
            minibatch = Minibatch(picked, loop.weights, loop.frozen, loop.rule, seed)
            direction, step, rule = self.update(phase, minibatch, progress)
            losses = tf.stack(list(direction.losses.values()))
            finite = tf.math.is_finite(tf.reduce_sum(losses) + step.norm)
            stopped = loop.stopped | phase.stop(direction.auxiliary)
            return self._advance(loop, phase, direction, step, rule, finite, stopped)

        sums = {tag: tf.zeros(()) for tag in self._tags(phase, batch, state)}
        start = _Loop(
            tf.constant(0),
            state.weights,
            state.rules[phase.name],
            state.frozen,
            state.updates,
            tf.constant(False),
            tf.constant(-1),
            tf.zeros(()),
            sums,
        )

        # Always to the end, even where the rest is left out: many runs in one program share the number of updates.
        end = _Loop(*tf.while_loop(lambda update, *_: update < num_updates, body, start))
        applied = tf.cast(end.updates - state.updates, tf.float32)
        means = {tag: total / tf.maximum(end.taken, 1.0) for tag, total in end.sums.items()}
        metrics = {**metrics, **means, "update/count": applied, "update/taken": end.taken}
        rules = {**state.rules, phase.name: end.rule}
        state = state._replace(weights=end.weights, rules=rules, frozen=end.frozen, updates=end.updates)
        return state, metrics, end.bad

    def _advance(self, loop: _Loop, phase: Phase, direction, step, rule, finite, stopped) -> _Loop:
        """The loop after an update, which is left out where it is not finite or the phase stops before it."""
        over = loop.stopped | (loop.bad >= 0)
        applies = finite & ~stopped & ~over

        def choose(new, old):
            return tf.nest.map_structure(lambda a, b: tf.where(applies, a, b), new, old)

        weights = {
            part: tuple(w + dw for w, dw in zip(tensors, step.delta[part], strict=True))
            if part in step.delta
            else tensors
            for part, tensors in loop.weights.items()
        }
        weights, rule = choose(weights, loop.weights), choose(rule, loop.rule)
        updates = loop.updates + tf.cast(applies, tf.int64)
        frozen = {
            role: choose(schedule.after_update(loop.frozen[role], weights, updates), loop.frozen[role])
            for role, schedule in self.schedules.items()
        }
        numbers = self._numbers(phase, direction, step)
        sums = {tag: loop.sums[tag] + tf.where(over, 0.0, number) for tag, number in numbers.items()}
        bad = tf.where(finite | over, loop.bad, loop.update)
        taken = loop.taken + tf.where(over, 0.0, 1.0)
        return _Loop(loop.update + 1, weights, rule, frozen, updates, stopped, bad, taken, sums)

    def _numbers(self, phase: Phase, direction: Direction, step: Step) -> Metrics:
        """What an update has to say; the iteration's metrics are the means over its updates."""
        numbers = {f"objective/{name}": loss for name, loss in direction.losses.items()}
        numbers.update(direction.auxiliary)
        numbers["update/gradient_norm"] = step.norm
        numbers["update/clip_ratio"] = step.clip_factor
        numbers["update/learning_rate"] = step.learning_rate
        if direction.gramian is not None:
            total = tf.reduce_sum(direction.gramian, 0)
            groups = list(phase.groups)
            lengths, angles = (tf.cast(x, tf.float32) for x in (norms(total), cosines(total)))
            for g, group in enumerate(groups):
                numbers[f"gradient/group_norm/{group}"] = lengths[g]
                numbers[f"update/row_weight/{group}"] = tf.reduce_mean(direction.row_weights[:, g])
                for h, other in enumerate(groups[:g]):
                    numbers[f"gradient/group_cosine/{other}-{group}"] = angles[h, g]
        return numbers

    def _tags(self, phase: Phase, batch: Any, state: TrainState) -> list[str]:
        """The tags of `_numbers`, found by tracing the losses of an update aside: no tag depends on its gradient."""

        def one_update():
            losses, weights = watched(phase, self.pick(phase, batch, state, 0))
            values, diagnostics = losses(weights)
            k, number = len(phase.groups), tf.zeros(())
            rows = (tf.zeros((1, k, k)), tf.zeros((1, k))) if self.rules[phase.name].takes_rows else (None, None)
            return self._numbers(phase, Direction(values, diagnostics, {}, *rows), Step({}, {}, number, number, number))

        return list(tf.function(one_update, autograph=False).get_concrete_function().structured_outputs)

    def _orders(self, phase: Phase, seed: tf.Tensor, iteration: tf.Tensor) -> tf.Tensor | None:
        """The samples' order in every epoch, [epochs · minibatches, B / minibatches]; None where there is nothing to
        choose.
        """
        if phase.minibatches == 1:
            return None
        seed = fold(seed, Purpose.SHUFFLE, iteration, self._place(phase))
        orders = permutations(seed, count=phase.epochs, size=self.steps_per_iteration)
        return tf.reshape(orders, (phase.epochs * phase.minibatches, -1))


def update_rule(
    phase: Phase, network: Network, combiner: Combiner, optimizer: Optimizer, *, always_rows: bool = False
) -> UpdateRule:
    """How a phase's objectives move a network; see `UpdateRule`."""
    return UpdateRule(
        objectives=phase.objectives,
        groups=phase.groups,
        names=network.names,
        shared=network.shared,
        heads=network.heads,
        combiner=combiner,
        optimizer=optimizer,
        always_rows=always_rows,
    )
