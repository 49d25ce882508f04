"""One network, any set of weights."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from rl.joining import joined

Weights = Mapping[str, tuple[tf.Tensor, ...]]
OBSERVATION = "observation"
"""Name of the input that every network has."""


class Part(NamedTuple):
    """A layer, and the other parts or named inputs that it reads, concatenated along the last axis if several.

    A part without inputs is a bare parameter, whose output is the weight itself. No gradient flows from a detached part
    into what it reads.
    """

    layer: keras.Layer
    inputs: tuple[str, ...]
    detached: bool = False


class Output(NamedTuple):
    """A key among the weights: the one tensor there is added to the part's output.

    A tape that watches this tensor differentiates with respect to the output.
    """

    part: str


class Network:
    """Parts (torsos, heads, bare parameters) as pure functions of explicit weights.

    Keras layers define the computation and the initial weights; their own variables are never trained and never read
    again. *Weights* are {part: tuple of tensors or variables}, in the order of `names`; live weights and every frozen
    copy run through the same definition.
    """

    def __init__(self, parts: Mapping[str, Part], inputs: Mapping[str, Sequence[int]], heads: Sequence[str]):
        """
        Args:
            parts: {name: part}, with layers not yet built; each part comes after those that it reads.
            inputs: {name: shape of one sample} of the external inputs.
            heads: the parts whose outputs the losses read.
        Raises: ValueError for a part that reads an unknown name, for weights that share a name, or for a layer with
            state outside its weights.
        """
        self.parts, self.heads = dict(parts), tuple(heads)
        self.reads = {head: self._reached(head) for head in self.heads}
        """{head: the parts that its gradient reaches}, in the order of the computation."""
        self.routes = {head: self._reached(head, through_detached=True) for head in self.heads}
        """{head: the parts that it is computed from}."""
        self.inputs = {name: tuple(shape) for name, shape in inputs.items()}
        """{named input: the shape of one sample}."""
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
        """{part: number of entries of each of its weights}."""
        self.units = {
            name: sum(v.shape[-1] for v in layer.trainable_variables if len(v.shape) > 1)
            for name, layer in layers.items()
        }
        """{part: number of units in all of its layers}."""

    def initial_weights(self) -> dict[str, tuple[tf.Variable, ...]]:
        """New live weights, {part: trainable variables}, named `part/layer/weight`."""
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
        """The outputs of parts, {part: [B, ...]}; a pure function of weights and inputs.

        A part that several others read is computed once; a part whose name is among the inputs is not computed at all.

        Args:
            weights: {part: tensors or variables}, optionally with {`Output`: one tensor}.
            inputs: {name: [B, ...]}.
            outputs: the parts to return; None for all heads.
        """
        known = dict(inputs)
        return {part: self._output(part, weights, known) for part in (self.heads if outputs is None else outputs)}

    def activations(self, weights: Weights, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The units' activations in the parts before the heads, {layer: [B, ..., units]}, in order.

        A layer is named after its weights, `torso/dense_0`; heads read the last layer of a part.
        """
        found: dict[str, tf.Tensor] = {}
        known = dict(inputs)
        for name in dict.fromkeys(part for route in self.routes.values() for part in route[:-1]):
            hidden = _together([known[one] for one in self.parts[name].inputs])
            known[name], own = _through(name, self.parts[name].layer.layers, weights[name], hidden)
            found.update(own)
        return found

    def _output(self, name: str, weights: Weights, known: dict[str, tf.Tensor]) -> tf.Tensor:
        """The output of a part, [B, ...]; added to `known`, {part or input: output}."""
        if name not in known:
            part = self.parts[name]
            read = [self._output(one, weights, known) for one in part.inputs]
            if part.detached:
                read = [tf.stop_gradient(x) for x in read]
            output = _call(part.layer, weights[name], read)
            known[name] = output + weights[Output(name)][0] if Output(name) in weights else output
        return known[name]

    def _reached(self, name: str, *, through_detached: bool = False) -> tuple[str, ...]:
        """A part and the parts that it is computed from, in order; a detached part hides those before it."""
        part = self.parts[name]
        before = part.inputs if through_detached or not part.detached else ()
        reached = (self._reached(one, through_detached=through_detached) for one in before if one in self.parts)
        return tuple(dict.fromkeys((*(found for parts in reached for found in parts), name)))

    def _build(self, inputs: Mapping[str, Sequence[int]]) -> None:
        """Builds the layers part by part, and sets `widths`."""
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
        """{part: size of the last axis of its output}, without bare parameters."""


def _call(layer: keras.Layer, weights: Sequence[tf.Tensor], read: Sequence[tf.Tensor]) -> tf.Tensor:
    """The output of a layer at explicit weights; the weight itself if it reads nothing."""
    tensors = [tf.convert_to_tensor(weight) for weight in weights]
    if not read:
        return tensors[0]
    return layer.stateless_call(tensors, [], _together(read))[0]


def _together(read: Sequence[tf.Tensor]) -> tf.Tensor:
    """The tensors concatenated along the last axis."""
    return read[0] if len(read) == 1 else joined(read)


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
    """The variable's Keras path with the part's name as its first component: `torso/dense_0/kernel`."""
    return "/".join((part, *variable.path.split("/")[1:]))


def _check(layers: Mapping[str, keras.Layer], names: Mapping[str, tuple[str, ...]]) -> None:
    """Checks that weight names are unique and that no layer keeps state (batch normalisation, dropout).

    Raises: ValueError otherwise.
    """
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
