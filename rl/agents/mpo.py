"""MPO: maximum a posteriori policy optimisation (Abdolmaleki et al. 2018, arXiv:1806.06920)."""

import functools
import math
from typing import Annotated

import numpy as np
import tensorflow as tf

from rl.agents.experience import Experience
from rl.agents.off_policy import ACTION, Backup, OffPolicy, stopped
from rl.agents.phase import Roles, Update
from rl.agents.sac import bare, gaussian_policy
from rl.errors import require
from rl.estimators import retrace
from rl.gradients import LIVE, Objective
from rl.inputs import INPUT
from rl.joining import joined
from rl.networks import OBSERVATION, ActorCriticNetwork, Head
from rl.randomness import fold, normals
from rl.settings import PositiveInteger, PositiveNumber, Share, settings
from rl.spaces import Box, Spaces

DUALS = ("temperature", "penalty_mean", "penalty_std")
_BOUNDS = (math.log(1e-8), math.log(1e8))


@settings
class MPO(OffPolicy):
    """Objectives q_0, …, policy and three dual variables in one update; π̄ and q̄ are at the frozen copy `target`.

    E-step: actions a_j ~ π̄(·|s) get the weights w_j ∝ exp(q̄(s, a_j) / η), and η minimises
        L_η = η ε + η E_s log (1/M) Σ_j exp(q̄(s, a_j) / η)    (section 3.2, eq. 9)
    M-step: with μ, σ those of π, and a Lagrange multiplier for each of the two divergences,
        L_π = −E_s Σ_j w_j [log N(a_j; μ, σ̄) + log N(a_j; μ̄, σ)] + α_μ KL_μ + α_σ KL_σ    (eq. 12, appendix D)
        KL_μ = KL(N(μ̄, σ̄) ‖ N(μ, σ̄)),  KL_σ = KL(N(μ̄, σ̄) ‖ N(μ̄, σ))
        L_α = α_μ (ε_μ − KL_μ),  and likewise for α_σ
    Critics: ½ (q_i(s, a) − y)², with y the n-step return and E_π̄ q̄ after it, or, with `retrace_lambda`, Retrace(λ) of
    the window (Munos et al. 2016).

    Differs from the paper: the states of both steps are the successors s', whose sampled actions also give E_π̄ q̄; the
    policy is squashed to the box, which changes neither the weights nor the divergences; dual variables are
    exponentials of the learnt parameters, from 10⁻⁸ to 10⁸; q̄ is the smallest of the chosen critics.
    """

    samples: PositiveInteger
    epsilon: Annotated[PositiveNumber, INPUT]
    epsilon_mean: Annotated[PositiveNumber, INPUT]
    epsilon_std: Annotated[PositiveNumber, INPUT]
    initial_temperature: PositiveNumber
    initial_penalty_mean: PositiveNumber
    initial_penalty_std: PositiveNumber
    retrace_lambda: Annotated[Share, INPUT] | None

    objectives = ("q", "policy", *DUALS)

    def __post_init__(self):
        super().__post_init__()
        require(
            self.retrace_lambda is None or self.residual is None,
            "agent.residual needs targets of n steps: leave agent.retrace_lambda or agent.residual null.",
        )

    @property
    def keeps_steps(self) -> bool:
        """Whether the losses need every step of a window: Retrace does."""
        return self.retrace_lambda is not None

    def heads(self, spaces: Spaces) -> dict[str, Head]:
        """Those of `OffPolicy`, and the logarithms of the dual variables, which read nothing."""
        initial = (self.initial_temperature, self.initial_penalty_mean, self.initial_penalty_std)
        duals = {name: bare(name, math.log(number)) for name, number in zip(DUALS, initial, strict=True)}
        return {**super().heads(spaces), **duals}

    def policy_head(self, space: Box) -> Head:
        """The mean and log σ before the squashing."""
        return gaussian_policy(space)

    def extras(self, model: ActorCriticNetwork, policy: tf.Tensor, action: tf.Tensor, step: tf.Tensor):
        """log μ(a|s) of the policy that acts, [N], where Retrace needs it; in the warm-up that is uniform."""
        if self.retrace_lambda is None:
            return ()
        uniform = -float(np.sum(np.log(2.0 * model.distribution.half)))
        log_prob = model.distribution.log_prob(policy, action)
        return {"log_prob": tf.where(self.is_warming_up(step), uniform, log_prob)}

    def updates(self, model: ActorCriticNetwork) -> tuple[Update, ...]:
        """One update of all objectives."""
        own = [
            Objective(name, self.coefficients[name], {LIVE: model.network.reads[name]}) for name in ("policy", *DUALS)
        ]
        objectives = (*self.critic_objectives(model), *own)
        losses = functools.partial(self.losses, model)
        return (Update("update", objectives, self.expanded(objectives), losses, through=self.through),)

    def settle(self, model: ActorCriticNetwork, batch: Experience, seed: tf.Tensor) -> Experience:
        """Draws the noise of the sampled actions, [B, 1, M, d], or [B, n, M, d] for Retrace, and the chosen critics."""
        steps = self.n_step if self.keeps_steps else 1
        noise = normals(seed, (batch.reward.shape[0], steps, self.samples, model.distribution.num_dimensions))
        return batch._replace(next_noise=noise, chosen=self.chosen(fold(seed, 1), batch))

    def losses(self, model: ActorCriticNetwork, roles: Roles, batch: Experience):
        """The losses to minimise, each a mean over the valid samples.

        Returns: ({objective: [] loss}, {tag: [] diagnostic}).
        """
        box, successor = model.distribution, batch.next_observation
        before, policy = self._sampled(model, roles, successor, batch.next_noise[:, 0])
        values = self._values_of(model, roles, batch, successor, before)
        backup = (
            self._retraced(model, roles, batch)
            if self.keeps_steps
            else Backup(batch.reward, batch.discount, tf.reduce_mean(values, 0))
        )
        losses, diagnostics = self.losses_of_critics(model, roles, batch, backup)
        values = tf.stop_gradient(values)
        duals = model.network.apply(roles[LIVE], {}, DUALS)
        eta, *penalties = (_positive(duals[name]) for name in DUALS)

        weight = tf.stop_gradient(tf.nn.softmax(values / eta, 0))
        normalizer = tf.reduce_logsumexp(values / eta, 0) - math.log(self.samples)
        losses["temperature"] = eta * (self.epsilon + batch.mean(normalizer))

        live = self.policy(model, roles[LIVE], successor)
        (mean, log_std), (old_mean, old_log_std) = (tf.split(x, 2, -1) for x in (live, policy))
        halves = (joined([mean, old_log_std]), joined([old_mean, log_std]))
        fit = tf.add_n([tf.reduce_sum(weight * box.log_prob_before(half, before), 0) for half in halves])
        kls = [batch.mean(box.kl(policy, half)) for half in halves]
        held = [tf.stop_gradient(penalty) for penalty in penalties]
        losses["policy"] = -batch.mean(fit) + tf.add_n([one * kl for one, kl in zip(held, kls, strict=True)])
        bounds = (self.epsilon_mean, self.epsilon_std)
        for name, penalty, bound, kl in zip(DUALS[1:], penalties, bounds, kls, strict=True):
            losses[name] = penalty * (bound - tf.stop_gradient(kl))
        return losses, {
            **diagnostics,
            "policy/temperature": tf.stop_gradient(eta),
            "policy/kl_mean": tf.stop_gradient(kls[0]),
            "policy/kl_std": tf.stop_gradient(kls[1]),
            "policy/weight_kl": batch.mean(tf.reduce_sum(weight * tf.math.log(weight * self.samples + 1e-30), 0)),
        }

    def backup(self, model: ActorCriticNetwork, roles: Roles, batch: Experience) -> Backup:
        """See `OffPolicy.backup`."""
        if self.keeps_steps:
            return self._retraced(model, roles, batch)
        return super().backup(model, roles, batch)

    def successor_value(self, model: ActorCriticNetwork, roles: Roles, batch: Experience) -> tf.Tensor:
        """E_π̄ q̄(s', ·), [B]; see `OffPolicy.successor_value`."""
        before, _ = self._sampled(model, roles, batch.next_observation, batch.next_noise[:, 0])
        return tf.reduce_mean(self._values_of(model, roles, batch, batch.next_observation, before), 0)

    def _retraced(self, model: ActorCriticNetwork, roles: Roles, batch: Experience) -> Backup:
        """The Retrace target of the first step of each window, as a backup without a bootstrap."""
        steps, num_steps = batch.steps, self.n_step
        flat = tf.nest.map_structure(_time_major, steps)  # [n·B, ...]
        batch = batch._replace(chosen=tf.tile(batch.chosen, (num_steps, 1)))
        before, _ = self._sampled(model, roles, flat.next_observation, _time_major(batch.next_noise))
        v_t = tf.reduce_mean(self._values_of(model, roles, batch, flat.next_observation, before), 0)
        target = self.target_weights(model, roles)
        q_tm1 = self.lowest(self.values(model, target, flat.observation, flat.action), batch.chosen)
        policy = self.policy(model, roles["target"], flat.observation)
        log_rho = model.distribution.log_prob(policy, flat.action) - flat.extras["log_prob"]
        going_on = 1.0 - tf.cast(flat.terminated | flat.truncated, tf.float32)
        discount = self.gamma * (1.0 - tf.cast(flat.terminated, tf.float32))
        arguments = (log_rho, flat.reward, discount, q_tm1, v_t, self.retrace_lambda * going_on)
        y = retrace(*(tf.reshape(x, (num_steps, -1)) for x in arguments))[0]
        return Backup(y, tf.zeros_like(y), tf.zeros_like(y))

    def _sampled(self, model: ActorCriticNetwork, roles: Roles, observation: tf.Tensor, noise: tf.Tensor):
        """Actions of π̄ before the squashing, [M, B, d], and its parameters, [B, P]; noise: [B, M, d]."""
        policy = self.policy(model, stopped(roles["target"]), observation)
        return model.distribution.before_squashing(policy, tf.transpose(noise, (1, 0, 2))), policy

    def _values_of(self, model: ActorCriticNetwork, roles: Roles, batch: Experience, observation, before) -> tf.Tensor:
        """q̄ of M actions (before the squashing, [M, B, d]) at each observation [B, ...], [M, B]."""
        weights, network = self.target_weights(model, roles), model.network
        part = network.parts["q_0"].inputs[0]  # a torso is computed once for all actions
        features = network.apply(weights, {OBSERVATION: observation}, (part,))[part]
        action = tf.tanh(before)
        inputs = {
            OBSERVATION: observation,
            part: tf.reshape(tf.repeat(features[None], self.samples, 0), (-1, *features.shape[1:])),
            ACTION: tf.reshape(action, (-1, action.shape[-1])),
        }
        values = network.apply(weights, inputs, self.critics)
        shape = action.shape[:2]
        return self.lowest({name: tf.reshape(q, shape) for name, q in values.items()}, batch.chosen)


def _positive(log: tf.Tensor) -> tf.Tensor:
    """exp(log), between 10⁻⁸ and 10⁸; the gradient is that of the bound there, so that it comes back."""
    return tf.exp(log + tf.stop_gradient(tf.clip_by_value(log, *_BOUNDS) - log))


def _time_major(x: tf.Tensor) -> tf.Tensor:
    """[B, n, ...] → [n·B, ...], step after step."""
    return tf.reshape(tf.transpose(x, (1, 0, *range(2, x.shape.rank))), (-1, *x.shape[2:]))
