"""The losses of a compiled Keras model one by one, where `compute_loss` returns their sum.

Keras has no public way to them. This file alone reads its private attributes (`Model._compile_loss`, and the
`_flat_losses` in it); everything else in the package uses Keras' public names.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from rl.errors import require


def compiled_losses(model: keras.Model, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, tf.Tensor]:
    """{objective: loss []} of the losses given to `compile`, without `loss_weights`; named after the outputs.

    Keras computes them, with its own rules for nested outputs, masks and sample weights, and updates its metrics of
    each loss.

    Args:
        model: compiled with a loss.
        y, y_pred, sample_weight: as `Model.compute_loss` takes them.
    Raises: ConfigError if the model has no loss, or two losses of the same name.
    """
    compiled = model._compile_loss
    require(
        compiled is not None,
        f"the model {model.name!r} is compiled without a loss; give compile(loss={{output: loss}}) one per objective.",
    )
    with _recorded(compiled) as recorders:
        compiled(y, y_pred, sample_weight)
    names = [name for name, _ in recorders]
    require(
        len(names) == len(set(names)),
        f"the model's losses are named {', '.join(names)}; give each output one loss and a name of its own.",
    )
    return {name: keras.ops.cast(one.value, compiled.dtype) for name, one in recorders}


@contextlib.contextmanager
def _recorded(compiled: Any) -> Iterator[list[tuple[str, "_Recorder"]]]:
    """Context manager in which every loss function keeps its last value; yields [(objective, its recorder)].

    Keras makes the functions at the first call, in `build`, which is therefore followed here. The list is filled once
    they are made.

    Args: compiled: `Model._compile_loss`.
    """
    recorders, originals = [], []

    def install():
        originals.extend(compiled._flat_losses)
        recorders.extend((one.name, _Recorder(one.loss)) for one in originals)
        replaced = zip(originals, recorders, strict=True)
        compiled._flat_losses = [one._replace(loss=recorder) for one, (_, recorder) in replaced]

    def build(*arguments):
        type(compiled).build(compiled, *arguments)
        install()

    if compiled.built:
        install()
    else:
        compiled.build = build
    try:
        yield recorders
    finally:
        vars(compiled).pop("build", None)
        if originals:
            compiled._flat_losses = originals


def objectives_of(model: keras.Model, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, tf.Tensor]:
    """{objective: loss []}: what the model's own method `objectives` returns where it has one, else `compiled_losses`.

    Args: as `CombinedModel.objectives` takes them.
    """
    own = getattr(model, "objectives", None)
    return own(x, y, y_pred, sample_weight) if callable(own) else compiled_losses(model, y, y_pred, sample_weight)


def compiled_weights(model: keras.Model) -> dict[str, float]:
    """{objective: its weight} of the losses that have one in `compile(loss_weights=…)`; {} before the first batch."""
    compiled = model._compile_loss
    if compiled is None or not compiled.built:
        return {}
    return {one.name: float(one.loss_weights) for one in compiled._flat_losses if one.loss_weights is not None}


class _Recorder:
    """A loss function that keeps the last value it returned."""

    def __init__(self, loss: Callable):
        self._loss, self.value = loss, None

    def __call__(self, *arguments: Any) -> tf.Tensor:
        self.value = self._loss(*arguments)
        return self.value
