"""One network, any set of weights."""

import math
from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

Weights = Mapping[str, tuple[tf.Tensor, ...]]


class Network:
    """Parts (a torso, heads) as pure functions of explicit weights.

    Keras layers define what is computed and the initial weights; their own variables are never trained and never read
    again. *Weights* are {part: tuple of tensors or variables}, in the order of `names`; live weights and every frozen
    copy run through the same definition.
    """

    def __init__(
        self,
        parts: Mapping[str, keras.Layer],
        routes: Mapping[str, Sequence[str]],
        observation_shape: Sequence[int],
        detached: Sequence[str] = (),
    ):
        """
        Args:
            parts: {part: layer}, not yet built.
            routes: {head: the parts that an observation passes through, the head last}.
            observation_shape: of one observation.
            detached: heads whose gradient does not reach the parts before them.
        """
        self._layers, self.routes = dict(parts), {head: tuple(route) for head, route in routes.items()}
        self.reads = {head: route[-1:] if head in detached else route for head, route in self.routes.items()}
        """{head: the parts that its gradient reaches}."""
        for route in self.routes.values():
            shape = (None, *observation_shape)
            for part in route:
                if not self._layers[part].built:
                    self._layers[part].build(shape)
                shape = self._layers[part].compute_output_shape(shape)
        self.names = {
            part: tuple(_weight_name(part, v) for v in layer.trainable_variables) for part, layer in parts.items()
        }
        _check(self._layers, self.names)
        self.sizes = {
            part: tuple(math.prod(v.shape) for v in layer.trainable_variables) for part, layer in parts.items()
        }
        """{part: how many numbers each of its weights holds}."""
        self.units = {
            part: sum(v.shape[-1] for v in layer.trainable_variables if len(v.shape) > 1)
            for part, layer in parts.items()
        }
        """{part: units of all of its layers}."""

    @property
    def shared(self) -> tuple[str, ...]:
        """The parts that more than one head's gradient reaches: their weights are the shared weights."""
        return tuple(part for part in self._layers if sum(part in reads for reads in self.reads.values()) > 1)

    @property
    def heads(self) -> tuple[str, ...]:
        """The parts at the end of a route."""
        return tuple(self.routes)

    def initial_weights(self) -> dict[str, tuple[tf.Variable, ...]]:
        """Live weights: trainable variables of their own, named `part/layer/weight`."""
        return {
            part: tuple(
                tf.Variable(tf.convert_to_tensor(variable), trainable=True, name=name)
                for variable, name in zip(layer.trainable_variables, self.names[part], strict=True)
            )
            for part, layer in self._layers.items()
        }

    def apply(
        self, weights: Weights, observation: tf.Tensor, heads: Sequence[str] | None = None
    ) -> dict[str, tf.Tensor]:
        """The outputs of the heads (all, if not named), {head: [B, ...]}.

        Pure in the weights. A part that several heads share is computed once.

        Args:
            weights: {part: tensors or variables}; `<part>/output`, where it is there, is one tensor to be added to that
                part's output: what a tape watches to differentiate with respect to the output.
            observation: [B, ...].
        """
        outputs: dict[tuple[str, ...], tf.Tensor] = {(): observation}
        for head in heads or self.heads:
            route = self.routes[head]
            for end, part in enumerate(route, 1):
                if route[:end] not in outputs:
                    inputs = outputs[route[: end - 1]]
                    if part == head and route != self.reads[head]:
                        inputs = tf.stop_gradient(inputs)
                    outputs[route[:end]] = self._call(part, weights, inputs)
        return {head: outputs[self.routes[head]] for head in heads or self.heads}

    def activations(self, weights: Weights, observation: tf.Tensor) -> dict[str, tf.Tensor]:
        """The units' activations in the parts before the heads, {layer: [B, ..., units]}, in order.

        A layer goes by the name of its weights, `torso/dense_0`; the last one of a part is what the heads see.
        """
        found: dict[str, tf.Tensor] = {}
        for route in dict.fromkeys(route[:-1] for route in self.routes.values()):
            hidden = observation
            for part in route:
                hidden, own = _through(part, self._layers[part].layers, weights[part], hidden)
                found.update(own)
        return found

    def _call(self, part: str, weights: Weights, inputs: tf.Tensor) -> tf.Tensor:
        tensors = [tf.convert_to_tensor(weight) for weight in weights[part]]
        output, _ = self._layers[part].stateless_call(tensors, [], inputs)
        return output + weights[f"{part}/output"][0] if f"{part}/output" in weights else output


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
