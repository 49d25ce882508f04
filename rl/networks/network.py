"""One network, any set of weights."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

Weights = Mapping[str, tuple[tf.Tensor, ...]]
OBSERVATION = "observation"
"""The input that every network has."""


class Part(NamedTuple):
    """A layer, and the other parts or named inputs that it reads, concatenated along the last axis if they are several.

    Without inputs it is a bare parameter, and its output the weight itself. From a detached part no gradient reaches
    the parts before it.
    """

    layer: keras.Layer
    inputs: tuple[str, ...]
    detached: bool = False


class Output(NamedTuple):
    """A part's output, as a key among the weights: one tensor there is added to the output.

    A tape watches it to differentiate with respect to the output.
    """

    part: str


class Network:
    """Parts (torsos, heads, bare parameters) as pure functions of explicit weights.

    Keras layers define what is computed and the initial weights; their own variables are never trained and never read
    again. *Weights* are {part: tuple of tensors or variables}, in the order of `names`; live weights and every frozen
    copy run through the same definition.
    """

    def __init__(self, parts: Mapping[str, Part], inputs: Mapping[str, Sequence[int]], heads: Sequence[str]):
        """
        Args:
            parts: {name: part}, its layer not yet built; a part stands after those that it reads.
            inputs: {name: shape of one sample} of what is given from outside.
            heads: the parts whose outputs the losses see.
        """
        self.parts, self.heads = dict(parts), tuple(heads)
        self.reads = {head: self._reached(head) for head in self.heads}
        """{head: the parts that its gradient reaches}, in the order of the computation."""
        self.routes = {head: self._reached(head, through_detached=True) for head in self.heads}
        """{head: the parts that it is computed from}."""
        self._build(inputs)
        layers = {name: part.layer for name, part in self.parts.items()}
        self.names = {
            name: tuple(_weight_name(name, v) for v in layer.trainable_variables) for name, layer in layers.items()
        }
        """{part: names of its weights}."""
        _check(layers, self.names)
        self.sizes = {
            name: tuple(math.prod(v.shape) for v in layer.trainable_variables) for name, layer in layers.items()
        }
        """{part: how many numbers each of its weights holds}."""
        self.units = {
            name: sum(v.shape[-1] for v in layer.trainable_variables if len(v.shape) > 1)
            for name, layer in layers.items()
        }
        """{part: units of all of its layers}."""

    def initial_weights(self) -> dict[str, tuple[tf.Variable, ...]]:
        """Live weights: trainable variables of their own, named `part/layer/weight`."""
        return {
            name: tuple(
                tf.Variable(tf.convert_to_tensor(variable), trainable=True, name=own)
                for variable, own in zip(part.layer.trainable_variables, self.names[name], strict=True)
            )
            for name, part in self.parts.items()
        }

    def apply(
        self, weights: Weights, inputs: Mapping[str, tf.Tensor], outputs: Sequence[str] | None = None
    ) -> dict[str, tf.Tensor]:
        """The outputs of parts (of all heads, if not named), {part: [B, ...]}. Pure in the weights.

        A part that several others read is computed once; one whose name is among the inputs is not computed at all.

        Args:
            weights: {part: tensors or variables}, and perhaps {`Output`: one tensor}.
            inputs: {name: [B, ...]}.
        """
        known = dict(inputs)
        return {part: self._output(part, weights, known) for part in (self.heads if outputs is None else outputs)}

    def activations(self, weights: Weights, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The units' activations in the parts before the heads, {layer: [B, ..., units]}, in order.

        A layer goes by the name of its weights, `torso/dense_0`; the last one of a part is what the heads see.
        """
        found: dict[str, tf.Tensor] = {}
        known = dict(inputs)
        for name in dict.fromkeys(part for route in self.routes.values() for part in route[:-1]):
            hidden = _together([known[one] for one in self.parts[name].inputs])
            known[name], own = _through(name, self.parts[name].layer.layers, weights[name], hidden)
            found.update(own)
        return found

    def _output(self, name: str, weights: Weights, known: dict[str, tf.Tensor]) -> tf.Tensor:
        if name not in known:
            part = self.parts[name]
            read = [self._output(one, weights, known) for one in part.inputs]
            if part.detached:
                read = [tf.stop_gradient(x) for x in read]
            output = _call(part.layer, weights[name], read)
            known[name] = output + weights[Output(name)][0] if Output(name) in weights else output
        return known[name]

    def _reached(self, name: str, *, through_detached: bool = False) -> tuple[str, ...]:
        """The parts before one and itself, those that it reads first."""
        part = self.parts[name]
        before = part.inputs if through_detached or not part.detached else ()
        reached = (self._reached(one, through_detached=through_detached) for one in before if one in self.parts)
        return tuple(dict.fromkeys((*(found for parts in reached for found in parts), name)))

    def _build(self, inputs: Mapping[str, Sequence[int]]) -> None:
        shapes = {name: (None, *shape) for name, shape in inputs.items()}
        for name, part in self.parts.items():
            unknown = [one for one in part.inputs if one not in shapes]
            if unknown:
                raise ValueError(f"part {name!r} reads {unknown}; it may read {sorted(shapes)}.")
            read = [shapes[one] for one in part.inputs]
            shape = (*read[0][:-1], sum(one[-1] for one in read)) if len(read) > 1 else read[0] if read else ()
            part.layer.build(shape)
            shapes[name] = part.layer.compute_output_shape(shape) if read else ()
        self.widths = {name: shapes[name][-1] for name, part in self.parts.items() if part.inputs}
        """{part: the size of the last axis of its output}, bare parameters left out."""


def _call(layer: keras.Layer, weights: Sequence[tf.Tensor], read: Sequence[tf.Tensor]) -> tf.Tensor:
    tensors = [tf.convert_to_tensor(weight) for weight in weights]
    if not read:
        return tensors[0]
    return layer.stateless_call(tensors, [], _together(read))[0]


def _together(read: Sequence[tf.Tensor]) -> tf.Tensor:
    return read[0] if len(read) == 1 else tf.concat(read, -1)


def _through(part: str, layers: Sequence[keras.Layer], weights: Sequence[tf.Tensor], hidden: tf.Tensor):
    """The output of a part, and {layer: its units' activations}."""
    remaining, found, name = [tf.convert_to_tensor(weight) for weight in weights], {}, part
    for layer in layers:
        own, remaining = remaining[: len(layer.trainable_variables)], remaining[len(layer.trainable_variables) :]
        hidden, _ = layer.stateless_call(own, [], hidden)
        if isinstance(layer, keras.layers.Dense):
            name = f"{part}/{layer.name}"
        if isinstance(layer, keras.layers.Activation):
            found[name] = hidden
    return hidden, found


def _weight_name(part: str, variable: keras.Variable) -> str:
    """`torso/dense_0/kernel` for the variable at Keras' path `torso/dense_0/kernel`, whatever the part's layer is
    called.
    """
    return "/".join((part, *variable.path.split("/")[1:]))


def _check(layers: Mapping[str, keras.Layer], names: Mapping[str, tuple[str, ...]]) -> None:
    """Names must be unique, and no layer may keep a state of its own (batch normalisation, dropout)."""
    every = [name for part in names.values() for name in part]
    twice = {name for name in every if every.count(name) > 1}
    if twice:
        raise ValueError(f"weights share a name: {sorted(twice)}; give the layers different names.")
    for part, layer in layers.items():
        if layer.non_trainable_variables:
            stateful = [variable.path for variable in layer.non_trainable_variables]
            raise ValueError(
                f"part {part!r} keeps state outside its weights ({stateful}), which `apply` cannot be pure in."
            )
