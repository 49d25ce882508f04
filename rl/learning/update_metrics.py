"""The metrics of an update and their tags."""

from typing import Any, NamedTuple

import tensorflow as tf

from rl.agents import Phase, Update, roles_of
from rl.gradients import cosines, norms
from rl.learning.learner import Learner
from rl.learning.minibatch import Minibatch
from rl.learning.state import TrainState
from rl.updates import Direction, RuleState, Step

Metrics = dict[str, tf.Tensor]


class Proposal(NamedTuple):
    """The result of an update before it is applied."""

    direction: Direction
    """The combined gradient, and the losses and Gramians that it comes from."""
    step: Step
    """Δw, and what clipping and schedule contributed to it."""
    rule: RuleState
    """The update rule's next state."""


def numbers_of(learner: Learner, update: Update, proposal: Proposal) -> Metrics:
    """The metrics of one update of one run; those of an iteration are means over its rounds.

    objective/<objective>                  the loss, without coefficient
    update/gradient_norm                   global norm before clipping
    update/clip_ratio                      factor of the clipping by global norm, in [0, 1]
    update/learning_rate                   of the torso
    gradient/group_norm/<group>            norm of a group's row, coefficients included
    gradient/group_cosine/<a>-<b>          cosine of two groups' rows
    update/row_weight/<group>              the combiner's weight of a group's row, averaged over layers

    The last three exist only if the rule takes rows. The losses' own diagnostics are added under their own tags.

    Args:
        learner: of one run.
        update: whose proposal it is.
        proposal: the losses, gradient and step of the update.
    Returns: {tag: [] float32}, with tags from `own_tag`.
    """
    direction, step, _ = proposal
    numbers = {f"objective/{name}": loss for name, loss in direction.losses.items()}
    numbers.update(direction.auxiliary)
    numbers["update/gradient_norm"] = step.norm
    numbers["update/clip_ratio"] = step.clip_factor
    numbers["update/learning_rate"] = step.learning_rate
    if direction.gramian is not None:
        total = tf.reduce_sum(direction.gramian, 0)
        groups = learner.rules[update.name].combined
        lengths, angles = (tf.cast(x, tf.float32) for x in (norms(total), cosines(total)))
        for g, group in enumerate(groups):
            numbers[f"gradient/group_norm/{group}"] = lengths[g]
            numbers[f"update/row_weight/{group}"] = tf.reduce_mean(direction.row_weights[:, g])
            for h, other in enumerate(groups[:g]):
                numbers[f"gradient/group_cosine/{other}-{group}"] = angles[h, g]
    return {own_tag(learner, update.name, tag): number for tag, number in numbers.items()}


def own_tag(learner: Learner, update: str, tag: str) -> str:
    """The tag under which an update's metric is logged.

    If the agent has several updates, tags of `update/…` and `gradient/…`, which each of them has, get the update's name
    at the end; all other tags are returned unchanged.
    """
    several = len(learner.updates) > 1 and tag.startswith(("update/", "gradient/"))
    return f"{tag}/{update}" if several else tag


def tags_of(learner: Learner, phase: Phase, state: TrainState, batch: Any) -> dict[str, list[str]]:
    """The tags of each update's metrics, which the loop over rounds must know before its first round.

    They are found by tracing the losses of the first run on its whole batch; nothing is executed, and no gradient is
    taken, since no tag depends on one.

    Args: learner, phase, state, batch: as for the rounds of the phase, of all runs.
    Returns: {update: tags}, in the order of `numbers_of`.
    """
    state, batch = tf.nest.map_structure(lambda x: learner.axis.take(x, 0), (state, batch))

    def numbers():
        """The metrics of every update, from a proposal in which all but the losses are zeros."""
        one, own = learner.of(state, phase)
        seed, zero, found = tf.zeros(2, tf.int32), tf.zeros(()), {}
        settled, roles = own.settle(batch, seed), roles_of(state.weights, state.frozen)
        for update in own.updates:
            minibatch = Minibatch(update, settled, roles, state.rules[update.name], seed)
            values, diagnostics = minibatch.losses(minibatch.seen)
            k = len(one.rules[update.name].combined)
            rows = (tf.zeros((1, k, k)), tf.zeros((1, k))) if one.rules[update.name].takes_rows else (None, None)
            direction, step = Direction(values, diagnostics, {}, *rows), Step({}, {}, zero, zero, zero)
            found[update.name] = numbers_of(one, update, Proposal(direction, step, minibatch.rule))
        return found

    traced = tf.function(numbers, autograph=False).get_concrete_function().structured_outputs
    return {update: list(found) for update, found in traced.items()}
