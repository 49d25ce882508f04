"""The oracle: bias and variance of the sampled rows against the true gradients, on finite MDPs."""

import copy
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from rl.agents import LIVE, ActorCritic, Phase, Roles, roles_of
from rl.environments import Trajectory
from rl.environments.compiled.tabular import TabularMDP, exact, traced
from rl.errors import require
from rl.gradients import At, onto_live, watched_rows
from rl.gradients.bias import deviation
from rl.gradients.rows import Gradient, Weights
from rl.learning.learner import Learner
from rl.learning.state import TrainState
from rl.networks import OBSERVATION

_OBJECTIVES = ("policy", "value")


class Oracle:
    """Compares the rows of one iteration's samples with the true rows of policy and value, on a finite MDP.

    Let d be the long-run fraction of steps that the current policy π takes in each state, and v_π and A_π its state
    values and advantages, all exact and treated as constants. The true rows are the gradients of

        policy:  −Σ_s d(s) Σ_a π(a|s) A_π(s, a)         (Sutton et al. 2000, theorem 1, with d not discounted)
        value:   ½ Σ_s d(s) (v(s) − v_π(s))²

    at the current weights: the expectations of the rows of A2C and of PPO's first update if advantages and value
    targets were exact. Rewards and observations are normalised as in this iteration.

    They are compared with the row of the iteration's whole batch before the first update, without standardised
    advantages: the mean of N rows, one per environment. Given their states at the start of the rollout, the
    environments are independent, so the spread of their rows gives the variance. The bias is due to λ < 1, to
    bootstrapping from inexact values, to a robust value loss, and to a state distribution that still depends on where
    the environments started.

    A row covers the objective's route except its head; with a shared torso this is the raw row. P is its length, S and
    A are the numbers of states and actions.
    """

    def __init__(self, learner: Learner):
        """
        Args: learner: of one run; its hyperparameters may be replaced later, see `of`.
        Raises: ConfigError unless there are at least 3 environments of a tabular MDP, and an actor-critic agent whose
            value loss has a semi-gradient; or if the MDP has no finite values at γ = 1, or without a time limit no
            unique stationary distribution.
        """
        environment, agent = learner.environment, learner.agent
        require(
            isinstance(environment, TabularMDP),
            f"probe.oracle is true, but the environment is {type(environment).__name__}, whose truth is not known: "
            "choose one of environment=compiled/tabular/…, or probe.oracle=false.",
        )
        require(
            isinstance(agent, ActorCritic),
            f"probe.oracle is true, but the agent is {type(agent).__name__}; it knows the truth of agent=a2c and "
            "agent=ppo. Choose one of them, or probe.oracle=false.",
        )
        require(
            environment.num_envs >= 3,
            f"num_envs is {environment.num_envs}; probe.oracle=true takes the spread over environments and needs at "
            "least 3.",
        )
        (phase,) = agent.phases(learner.model, environment)
        require(
            not any(update.through for update in phase.updates),
            "probe.oracle is true, but agent/bootstrap lets the value's gradient flow through a frozen copy: the rows "
            "whose truth is known are semi-gradients. Choose agent/bootstrap=semi_gradient, or probe.oracle=false.",
        )
        anything = np.full(environment.mdp.reward.shape, 1 / environment.action_space.n)
        exact.state_values(environment.mdp, anything, agent.gamma)
        if environment.max_episode_steps is None:
            exact.stationary_distribution(environment.mdp, anything)
        self._learner, self._phase = learner, _plain_phase(learner)

    def of(self, learner: Learner) -> "Oracle":
        """The oracle of a learner that differs only in its hyperparameters, as from `Learner.at`; checks nothing."""
        other = copy.copy(self)
        other._learner, other._phase = learner, _plain_phase(learner)
        return other

    def __call__(
        self, before: TrainState, state: TrainState, trajectory: Trajectory, rows: Mapping[str, Gradient]
    ) -> dict[str, tf.Tensor]:
        """The metrics gradient/oracle/… of one iteration of one run.

        <objective>/norm                |g|, the norm of the true row
        <objective>/cosine              of the true row and the first minibatch's row, the one that the update used
        <objective>/squared_bias        of the whole batch's row, divided by |g|²; an unbiased estimate, may be negative
        <objective>/standard_error      of that squared bias, divided by |g|²
        <objective>/variance            of the whole batch's row, summed over its coordinates, divided by |g|²
        value_error                     √(Σ_s d(s) (v(s) − v_π(s))²), in units of the normalised return
        return                          discounted return of π from the start distribution, in the environment's units

        If the true row is 0, the numbers that are divided by its norm are NaN or infinite.

        Args:
            before: the state before the iteration's learning; its statistics normalised the observations.
            state, trajectory: as returned by `ingest`.
            rows: {objective: gradient} on the first minibatch.
        Returns: {tag: [] float64}.
        """
        true, numbers = self.truth(before, state)
        sampled = self.sampled(state, trajectory)
        for name in _OBJECTIVES:
            found = deviation(sampled[name], true[name])
            size, row = tf.norm(true[name]), self._flat(rows[name])
            numbers[f"{name}/norm"] = size
            numbers[f"{name}/cosine"] = tf.reduce_sum(true[name] * row) / (size * tf.norm(row))
            numbers |= {f"{name}/{what}": number / tf.square(size) for what, number in found._asdict().items()}
        return {f"gradient/oracle/{tag}": number for tag, number in numbers.items()}

    def truth(self, before: TrainState, state: TrainState) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """The true rows by exact solution of the MDP; see the class for their definition.

        Args: before, state: as in `__call__`.
        Returns: ({objective: [P] float64}, {`value_error` and `return`: [] float64}).
        """
        learner, gamma = self._learner, tf.cast(self._learner.agent.gamma, tf.float64)
        environment, mdp = learner.environment, learner.environment.mdp
        seen = learner.normalizer.observation(before.normalizer, tf.constant(environment.features))
        reward = learner.normalizer.reward(state.normalizer, tf.constant(mdp.reward, tf.float32))
        reward, raw = tf.cast(reward, tf.float64), tf.constant(mdp.reward)

        policy, value = self._on(seen, state.weights)
        values = traced.state_values(mdp, policy, reward, gamma=gamma)
        shares = traced.state_distribution(mdp, policy, max_episode_steps=environment.max_episode_steps)
        advantage = traced.advantages(mdp, values, reward, gamma=gamma)

        def losses(roles: Roles):
            """The true losses of both objectives; d, A_π and v_π are constants."""
            chosen, v = self._on(seen, roles[LIVE])
            policy_loss = -tf.reduce_sum(shares * tf.reduce_sum(chosen * advantage, 1))
            return {"policy": policy_loss, "value": 0.5 * tf.reduce_sum(shares * tf.square(v - values))}, None

        rows = self._rows(losses, state.weights)
        error = tf.sqrt(tf.reduce_sum(shares * tf.square(value - values)))
        discounted = tf.reduce_sum(mdp.start * traced.state_values(mdp, policy, raw, gamma=gamma))
        return rows, {"value_error": error, "return": discounted}

    def sampled(self, state: TrainState, trajectory: Trajectory) -> dict[str, tf.Tensor]:
        """The rows of each environment's samples separately, {objective: [N, P] float64}; their mean is the batch's."""
        roles, (update,) = roles_of(state.weights, state.frozen), self._phase.updates

        def of_one(number: tf.Tensor) -> dict[str, tf.Tensor]:
            """The rows {objective: [P]} from environment `number` alone."""
            own = tf.nest.map_structure(lambda x: tf.gather(x, number[None], axis=1), trajectory)
            batch, _ = self._phase.prepare(roles, own)

            def losses(live: Roles):
                """The losses of the two objectives only; copies are constant."""
                values, _ = update.losses({**roles, **live}, batch)
                return {name: values[name] for name in _OBJECTIVES}, None

            return self._rows(losses, state.weights)

        numbers = tf.range(self._learner.environment.num_envs)
        return tf.vectorized_map(of_one, numbers, fallback_to_while_loop=False)

    def _on(self, seen: tf.Tensor, weights: Weights) -> tuple[tf.Tensor, tf.Tensor]:
        """The policy's probabilities [S, A] and values [S] of all states, float64.

        Args: seen: [S, ...], the normalised observation of every state.
        """
        outputs = self._learner.model.network.apply(weights, {OBSERVATION: seen})
        logits, value = (tf.cast(outputs[head], tf.float64) for head in ("policy", "value"))
        return tf.nn.softmax(logits), value[:, 0]

    def _rows(self, losses, weights: Weights) -> dict[str, tf.Tensor]:
        """The rows {objective: [P] float64} of losses, a function of the weights by role, at live weights."""
        network = self._learner.model.network
        reads = {name: tuple(At(LIVE, part) for part in network.routes[name]) for name in _OBJECTIVES}
        rows = watched_rows(losses, {LIVE: weights}, reads, names=network.names).gradients
        return {name: self._flat(onto_live(row)) for name, row in rows.items()}

    def _flat(self, row: Gradient) -> tf.Tensor:
        """A gradient on all parts but the heads as one vector, [P] float64."""
        heads = self._learner.model.network.heads
        tensors = [tensor for part in row if part not in heads for tensor in row[part]]
        return tf.concat([tf.reshape(tf.cast(tensor, tf.float64), (-1,)) for tensor in tensors], 0)


def _plain_phase(learner: Learner) -> Phase:
    """The agent's only phase with `normalize_advantage` off: standardised advantages would change the row's scale."""
    agent = copy.copy(learner.agent)
    object.__setattr__(agent, "normalize_advantage", False)  # `replace` would check ranges of tensors
    (phase,) = agent.phases(learner.model, learner.environment)
    return phase
