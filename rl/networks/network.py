"""One network, any set of weights."""

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
        self, parts: Mapping[str, keras.Layer], routes: Mapping[str, Sequence[str]], observation_shape: Sequence[int]
    ):
        """
        Args:
            parts: {part: layer}, not yet built.
            routes: {head: the parts that an observation passes through, the head last}.
            observation_shape: of one observation.
        """
        self._layers, self.routes = dict(parts), {head: tuple(route) for head, route in routes.items()}
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

    @property
    def shared(self) -> tuple[str, ...]:
        """The parts that more than one head reads: their weights are the shared weights."""
        return tuple(part for part in self._layers if sum(part in route for route in self.routes.values()) > 1)

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
            weights: {part: tensors or variables}.
            observation: [B, ...].
        """
        outputs: dict[tuple[str, ...], tf.Tensor] = {(): observation}
        for head in heads or self.heads:
            route = self.routes[head]
            for end in range(1, len(route) + 1):
                if route[:end] not in outputs:
                    part = route[end - 1]
                    outputs[route[:end]] = self._call(part, weights[part], outputs[route[: end - 1]])
        return {head: outputs[self.routes[head]] for head in heads or self.heads}

    def _call(self, part: str, weights: Sequence[tf.Tensor], inputs: tf.Tensor) -> tf.Tensor:
        weights = [tf.convert_to_tensor(weight) for weight in weights]
        output, _ = self._layers[part].stateless_call(weights, [], inputs)
        return output


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
