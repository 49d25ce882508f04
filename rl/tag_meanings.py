"""What each tag of a run means, in one sentence. Needs no TensorFlow.

A family is a form such as `gradient/norm/<objective>[/<layer>]`: names of the agent stand in angle brackets, and a part
in square brackets may be missing. `rl/tags.py` says how a tag is combined over iterations.
"""

import functools
import re
from typing import NamedTuple


class Family(NamedTuple):
    """The tags of one form, and what they mean."""

    form: str
    meaning: str

    def matches(self, tag: str) -> bool:
        """Whether a whole tag has the form."""
        return _pattern(self.form).fullmatch(tag) is not None


FAMILIES = tuple(
    Family(*pair)
    for pair in (
        ("episode/return", "Mean undiscounted return of the episodes that ended in the iteration, in training."),
        ("episode/return_min", "Smallest return among these episodes."),
        ("episode/return_max", "Largest return among these episodes."),
        ("episode/length", "Mean number of steps of these episodes."),
        ("episode/count", "Number of episodes that ended."),
        ("evaluation/return", "Mean undiscounted return of the greedy policy, in environments of its own."),
        ("evaluation/std", "Standard deviation of these returns over the episodes."),
        ("time/wall_seconds", "Seconds since the run began, without interruptions."),
        ("time/steps_per_second", "Environment steps per second of training, over all environments of the run."),
        ("objective/<objective>", "Loss of an objective, without its coefficient; mean over the updates."),
        ("<head>/explained_variance", "1 − Var(target − prediction)/Var(target); below 0 is worse than a constant."),
        ("<head>/mean", "Mean output of the head over the batch."),
        ("<head>/target_mean", "Mean target of the head over the batch."),
        ("<head>/reward_mean", "Mean reward of the batch, as the agent learns from it."),
        ("<head>/entropy", "Mean entropy of the action distribution, in nats."),
        ("<head>/kl", "Mean KL divergence of the policy from the one that acted, in nats."),
        ("<head>/clip_fraction", "Share of samples whose probability ratio lies outside PPO's clip."),
        ("<head>/temperature", "Temperature: SAC's factor on the entropy, MPO's on the Q-values."),
        ("<head>/kl_mean", "KL divergence by the change of the policy's means, which MPO bounds, in nats."),
        ("<head>/kl_std", "KL divergence by the change of the policy's standard deviations, in nats."),
        ("<head>/weight_kl", "KL divergence of MPO's sample weights from uniform ones, in nats."),
        ("update/count[/<update>]", "Number of updates that were applied."),
        ("update/taken[/<update>]", "Number of updates that were computed; those after an early stop are not applied."),
        ("update/gradient_norm[/<update>]", "Norm of the gradient before it is clipped."),
        ("update/clip_ratio[/<update>]", "Factor that clipping by the norm put on the gradient; 1 is no clipping."),
        ("update/learning_rate[/<update>]", "Learning rate of the torso."),
        ("update/row_weight/<group>[/<update>]", "Weight that the combiner gave a group's row."),
        (
            "gradient/group_norm/<group>[/<update>]",
            "Norm of a group's row, as the combiner sees it.",
        ),
        ("gradient/group_cosine/<a>-<b>[/<update>]", "Cosine of two groups' rows, as the combiner sees them."),
        ("gradient/norm/<objective>[/<layer>]", "Norm of an objective's row, without its coefficient."),
        ("gradient/head_norm/<head>[/<update>]", "Norm of a head's own gradient, with coefficients."),
        ("gradient/norm_ratio/<a>-<b>[/<update>]", "Norm of a row over that of the first objective's row."),
        ("gradient/cosine/<a>-<b>[/<layer>]", "Cosine of two objectives' rows: whether they pull the same way."),
        ("gradient/null_band[/<layer>]", "2/√P: two independent directions exceed this cosine one time in twenty."),
        ("gradient/conflict/<a>-<b>[/<update>]", "Share of layers in which the two rows' cosine is negative."),
        ("gradient/weighted_norm/<objective>[/<update>]", "Norm of a row times its coefficient."),
        ("gradient/combined_norm[/<update>]", "Norm of the shared gradient after the combiner."),
        ("gradient/clipped_norm[/<update>]", "Norm of the shared gradient after clipping."),
        ("update/applied_norm[/<update>]", "Norm of the step Δw on the shared weights."),
        ("update/ratio/<layer>", "Norm of the step over that of the weights, by layer; about 0.001 is usual."),
        ("update/change/<objective>[/<layer>]", "Change of a loss by the step, to first order: g·Δw."),
        ("update/share/<objective>[/<layer>]", "Share of an objective in all such changes; negative lowers its loss."),
        ("update/cosine/<row>-applied[/<update>]", "Cosine of −Δw with a row: which losses the applied step lowers."),
        ("update/measured_change/<objective>", "Measured change of a loss after the step on the shared weights alone."),
        ("update/whole_change/<objective>", "Measured change of a loss after the whole step."),
        ("gradient/curvature/<objective>[/<update>]", "Second derivative uᵀHu of a loss along the step's direction u."),
        ("gradient/cross_batch/<a>-<b>/corrected[/<update>]", "The cosine on disjoint samples, corrected for noise."),
        ("gradient/cross_batch/<a>-<b>[/<layer>]", "Cosine of two objectives' rows on disjoint samples."),
        ("gradient/cross_batch/<objective>[/<update>]", "Reliability: cosine of one objective's rows on two halves."),
        ("gradient/noise/<objective>/trace", "tr Σ: total variance of a sample's gradient."),
        ("gradient/noise/<objective>/square_norm", "Unbiased estimate of the row's squared norm."),
        (
            "gradient/noise_scale/<objective>",
            "tr Σ/|g|² by running averages: a critical batch size.",
        ),
        ("gradient/snr/<objective>[/<update>]", "Signal-to-noise ratio |g|²B/tr Σ; below 1 the row is mostly noise."),
        (
            "gradient/gsnr/<objective>[/<update>]",
            "Mean over the weights of μ²/σ² of the samples' gradients.",
        ),
        ("gradient/interference/<objective>/negative[/<update>]", "Share of pairs of samples with a negative product."),
        (
            "gradient/interference/<objective>[/<update>]",
            "Mean g(s)·g(s') of two samples over the mean |g(s)|².",
        ),
        (
            "gradient/stale/<role>/<objective>/cosine",
            "Cosine of a row at a frozen copy with that at the live weights.",
        ),
        ("gradient/stale/<role>/<objective>/ratio", "Norm of a row at a frozen copy over that at the live weights."),
        ("gradient/through_target/cosine", "Cosine of the gradient through the target with the semi-gradient."),
        ("gradient/through_target/ratio", "Norm of the gradient through the target over that of the semi-gradient."),
        ("gradient/features/<a>-<b>", "Cosine of two losses' gradients with respect to the torso's output."),
        ("gradient/features/<objective>", "Norm of a loss's gradient with respect to the torso's output."),
        ("gradient/features/<objective>/row_ratio", "Norm of the row over that of the gradient at the torso's output."),
        ("gradient/oracle/<objective>/cosine", "Cosine of the sampled row with the true one."),
        ("gradient/oracle/<objective>/norm", "Norm of the true row."),
        (
            "gradient/oracle/<objective>/squared_bias",
            "Squared bias of the sampled row, over the squared norm of the true one.",
        ),
        ("gradient/oracle/<objective>/standard_error", "Standard error of that squared bias."),
        ("gradient/oracle/<objective>/variance", "Variance of the sampled row, over the squared norm of the true one."),
        ("gradient/oracle/value_error", "Error of the predicted values against the true ones."),
        ("gradient/oracle/return", "True expected return of the policy."),
        ("gradient/gramian", "The rows' Gramians, layer by layer, which the Gradients tab draws (event files alone)."),
        ("frozen/<role>/age", "Updates since the frozen copy was synced."),
        ("frozen/<role>/distance", "L2 distance of the frozen copy from the live weights."),
        ("frozen/<role>/kl", "KL divergence of the live policy from the frozen copy's, in nats."),
        ("representation/srank/<part>", "Number of singular values that hold 99 % of their sum: rank of the features."),
        ("representation/effective_rank/<part>", "Exponential of the entropy of the features' singular values."),
        ("representation/feature_norm/<part>", "Mean norm of the features."),
        ("representation/dormant/<layer>", "Share of units below 2.5 % of their layer's mean activation."),
        ("representation/dead/<layer>", "Share of units whose output does not vary over the batch."),
        ("weights/norm/<layer>", "Norm of a layer's weights."),
        ("weights/stable_rank/<layer>", "Stable rank |W|²/σ₁² of a layer's kernel."),
        ("weights/<variable>", "Histogram of a variable's entries (event files alone)."),
        ("row/<objective>", "Histogram of the entries of an objective's row (event files alone)."),
    )
)
"""All families; the first that matches a tag says what it means."""

_SLASHES = ("layer", "update", "variable")
"""Placeholders whose names may contain a slash."""


def meaning(tag: str) -> str | None:
    """The sentence on a tag; None for a tag of a user's own agent or probe."""
    return next((family.meaning for family in FAMILIES if family.matches(tag)), None)


@functools.cache
def _pattern(form: str) -> re.Pattern:
    """The regular expression of a form."""
    pieces = re.split(r"(<\w+>|\[|\])", form)
    signs = {"[": "(?:", "]": ")?"}
    named = {piece: ".+" if piece[1:-1] in _SLASHES else "[^/]+" for piece in pieces if piece.startswith("<")}
    return re.compile("".join(signs.get(piece) or named.get(piece) or re.escape(piece) for piece in pieces))
