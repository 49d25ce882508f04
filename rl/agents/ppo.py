"""PPO: proximal policy optimisation with the clipped surrogate (Schulman et al. 2017, arXiv:1707.06347)."""

from collections.abc import Callable
from typing import Annotated

import tensorflow as tf

from rl.agents.actor_critic import ActorCritic
from rl.agents.phase import Diagnostics
from rl.agents.samples import Batch
from rl.errors import require
from rl.estimators import approximate_kl, clip_fraction, clipped_surrogate_loss
from rl.inputs import INPUT
from rl.settings import PositiveNumber, settings


@settings
class PPO(ActorCritic):
    """Objectives: the clipped surrogate, the value error, the entropy. Frozen copy: the behaviour snapshot.

    The usual setting is several epochs over each rollout, in minibatches.
    """

    clip: Annotated[PositiveNumber, INPUT]
    """ε of the clipped surrogate, > 0."""
    target_kl: Annotated[PositiveNumber | None, INPUT]
    """KL in nats beyond which the rest of a phase is skipped, > 0; None for no limit."""

    def __post_init__(self):
        super().__post_init__()
        require(
            self.target_kl is None or self.differentiate_at == "live",
            "agent.target_kl needs agent.differentiate_at=live: at the behaviour copy the KL from it is always 0.",
        )

    def policy_loss(self, log_prob: tf.Tensor, batch: Batch, advantage: tf.Tensor) -> tuple[tf.Tensor, Diagnostics]:
        """−min(ρ A, clip(ρ, 1 − ε, 1 + ε) A), [B], with the ratio ρ = π(a|s) / π_behaviour(a|s) (eq. 7).

        Args: log_prob, advantage: [B]; batch: [B, ...], with the behaviour copy's log_prob.
        Returns: (loss [B], {tag: [B] diagnostic of each sample}).
        """
        log_ratio = log_prob - batch.log_prob
        return clipped_surrogate_loss(log_ratio, advantage, clip=self.clip), {
            "policy/kl": approximate_kl(log_ratio),
            "policy/clip_fraction": clip_fraction(log_ratio, clip=self.clip),
        }

    @property
    def stop(self) -> Callable[[Diagnostics], tf.Tensor] | None:
        """Whether the policy's KL from the behaviour copy, in nats, mean over a minibatch, exceeds `target_kl`."""
        return None if self.target_kl is None else lambda diagnostics: diagnostics["policy/kl"] > self.target_kl
