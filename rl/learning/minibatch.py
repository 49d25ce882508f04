"""What one update looks at: some samples, the state it starts from, and all that is watched."""

from typing import Any, NamedTuple

import tensorflow as tf

from rl.agents import Phase
from rl.frozen import FrozenState
from rl.gradients.rows import Weights
from rl.updates import RuleState
from rl.updates.rule import LossFunction


class Minibatch(NamedTuple):
    """A minibatch and the state that its update starts from."""

    batch: Any
    weights: dict
    frozen: dict[str, FrozenState]
    rule: RuleState
    seed: tf.Tensor


def watched(phase: Phase, minibatch: Minibatch) -> tuple[LossFunction, Weights]:
    """A phase's losses on a minibatch as a function of all that is watched, and that: the weights at which gradients
    are taken, and beside them, as `<role>/<part>`, the parts of the frozen copy that they flow through.
    """
    frozen, copy = minibatch.frozen, phase.through
    at = minibatch.weights if phase.differentiate_at == "live" else frozen[phase.differentiate_at].weights
    if copy is None:
        return lambda weights: phase.losses(weights, frozen, minibatch.batch), at
    # Tensors of their own: a tape gives what goes by two names the sum of both gradients.
    beside = {f"{copy}/{part}": tuple(map(tf.identity, tensors)) for part, tensors in frozen[copy].weights.items()}

    def losses(weights: Weights):
        seen = {part: weights[f"{copy}/{part}"] for part in frozen[copy].weights}
        return phase.losses(weights, {**frozen, copy: frozen[copy]._replace(weights=seen)}, minibatch.batch)

    return losses, {**at, **beside}


def gather(batch: Any, orders: tf.Tensor | None, update: int | tf.Tensor) -> Any:
    """The samples of an update, by the orders [updates, B]; the whole batch where there is nothing to choose."""
    if orders is None:
        return batch
    return tf.nest.map_structure(lambda x: tf.gather(x, orders[update]), batch)
