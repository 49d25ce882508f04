"""The metrics of an update: what it logs, and under which tags."""

from typing import NamedTuple

import tensorflow as tf

from rl.agents import Phase, Update
from rl.gradients import cosines, norms
from rl.learning.learner import Learner
from rl.learning.state import TrainState
from rl.updates import Direction, RuleState, Step

Metrics = dict[str, tf.Tensor]


class Proposal(NamedTuple):
    """What an update would do: the combined gradient, Δw, and the rule's next state. Nothing is applied."""

    direction: Direction
    step: Step
    rule: RuleState


def numbers_of(learner: Learner, update: Update, proposal: Proposal) -> Metrics:
    """The metrics of one update, {tag: [] float32}; an iteration's are the means over its rounds."""
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
    """The tag, with the update's name where the agent has several updates and their numbers would collide."""
    several = len(learner.updates) > 1 and tag.startswith(("update/", "gradient/"))
    return f"{tag}/{update}" if several else tag


def tags_of(learner: Learner, phase: Phase, state: TrainState, batch, orders) -> dict[str, list[str]]:
    """{update: the tags of its numbers}, found by tracing the losses of one run aside: no tag depends on a gradient."""
    nest = tf.nest.map_structure(lambda x: learner.axis.take(x, 0), (state, batch, orders))

    def numbers(state, batch, orders):
        one, own = learner.of(state, phase)
        settled, found = one.draw(own, batch, orders, state, 0), {}
        for update in own.updates:
            minibatch, number = one.before(update, settled, state, 0), tf.zeros(())
            values, diagnostics = minibatch.losses(minibatch.seen)
            k = len(one.rules[update.name].combined)
            rows = (tf.zeros((1, k, k)), tf.zeros((1, k))) if one.rules[update.name].takes_rows else (None, None)
            direction, step = Direction(values, diagnostics, {}, *rows), Step({}, {}, number, number, number)
            found[update.name] = numbers_of(one, update, Proposal(direction, step, minibatch.rule))
        return found

    traced = tf.function(numbers, autograph=False).get_concrete_function(*nest).structured_outputs
    return {update: list(found) for update, found in traced.items()}
