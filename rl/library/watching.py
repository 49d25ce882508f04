"""The variables that rows are taken with respect to: their names, and the layers that they form."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from rl.errors import ConfigError, require
from rl.gradients import layers_of
from rl.setting_errors import shown

Variable = tf.Variable | keras.Variable
Variables = Sequence[Variable] | Mapping[str, Sequence[Variable]]
"""A list of variables, or {layer: its variables}."""


class Watched(NamedTuple):
    """Variables with distinct names, in layers."""

    variables: tuple[Variable, ...]
    """As given."""
    names: tuple[str, ...]
    """`<layer>/<weight>` for each variable, all distinct."""
    layers: dict[str, tuple[int, ...]]
    """{layer: indices of its variables}."""

    @property
    def tensors(self) -> tuple[tf.Variable, ...]:
        """The TensorFlow variables, which a tape can watch: it refuses a `keras.Variable`."""
        return tuple(map(_tensor, self.variables))

    def only(self, indices: Sequence[int]) -> "Watched":
        """Some of the variables, with their names."""
        return _watched([self.variables[k] for k in indices], [self.names[k] for k in indices])


def watched_variables(variables: Variables) -> Watched:
    """The variables with their names and layers.

    A Keras variable's name is its path, `torso/dense/kernel`; variables whose names differ only in the last component
    are one layer, as `torso/dense/kernel` and `torso/dense/bias` are. A raw `tf.Variable` without a slash in its name
    is a layer of its own. If a name occurs again, its layer gets a number: `dense/kernel`, `dense_1/kernel`.

    Args: variables: trainable or not; as a mapping, {layer: variables} names the layers.
    Raises: ConfigError for no variables, a variable that is given twice, one that is not of floating-point numbers, or
        anything else than variables.
    """
    pairs = list(_pairs(variables))
    require(
        bool(pairs),
        "variables is empty; it must have at least one variable (a Keras model has none before it is built).",
    )
    for place, (_, variable) in enumerate(pairs):
        _check(place, variable)
    given = [variable for _, variable in pairs]
    _check_distinct(given)
    names = _distinct(
        [_own_name(one) if layer is None else f"{layer}/{_own_name(one).split('/')[-1]}" for layer, one in pairs],
        whole=isinstance(variables, Mapping),
    )
    return _watched(given, names)


def _watched(variables: Sequence[Variable], names: Sequence[str]) -> Watched:
    """The variables under these names, grouped into layers."""
    return Watched(tuple(variables), tuple(names), layers_of(names))


def _pairs(variables: Variables):
    """(layer, variable) for every variable; the layer is None where none is given."""
    if isinstance(variables, Mapping):
        for layer, own in variables.items():
            for variable in own:
                yield str(layer), variable
    elif isinstance(variables, list | tuple):
        for variable in variables:
            yield None, variable
    else:
        raise ConfigError(
            f"variables is a {type(variables).__name__}; it must be a list of variables or {{layer: [variables]}}, "
            "such as model.trainable_variables."
        )


def _check(place: int, variable: Any) -> None:
    """Raises ConfigError unless it is a variable of floating-point numbers."""
    require(
        isinstance(variable, Variable),
        f"variables[{place}] is {shown(variable)}, a {type(variable).__name__}; it must be a tf.Variable or a "
        "keras.Variable.",
    )
    kind = tf.as_dtype(variable.dtype)
    require(
        kind.is_floating,
        f"variables[{place}], {_own_name(variable)!r}, has dtype {kind.name}; a gradient needs floating-point numbers.",
    )


def _check_distinct(variables: Sequence[Variable]) -> None:
    """Raises ConfigError that names a variable which is given twice."""
    seen = set()
    for variable in variables:
        number = id(_tensor(variable))
        require(number not in seen, f"variables has {_own_name(variable)!r} twice; give each variable once.")
        seen.add(number)


def _tensor(variable: Variable) -> tf.Variable:
    """The TensorFlow variable in a Keras variable, or the TensorFlow variable itself."""
    return variable.value if isinstance(variable, keras.Variable) else variable


def _own_name(variable: Variable) -> str:
    """A Keras variable's path, or a TensorFlow variable's name without its `:0`."""
    return variable.path if isinstance(variable, keras.Variable) else variable.name.split(":")[0]


def _distinct(names: Sequence[str], *, whole: bool) -> list[str]:
    """The names, with a number where one occurs again: at the layer, or with `whole` at the end of the name."""
    seen, distinct = Counter(), []
    for name in names:
        layer, slash, last = name.rpartition("/")
        number = f"_{seen[name]}" if seen[name] else ""
        distinct.append(f"{name}{number}" if whole or not slash else f"{layer}{number}/{last}")
        seen[name] += 1
    return distinct


def shared_variables(gradients: Mapping[str, Mapping], watched: Watched) -> Watched:
    """The variables that at least two objectives reach.

    Args: gradients: {objective: {variable's name: gradient}}.
    Raises: ConfigError if there are none.
    """
    counts = [sum(name in own for own in gradients.values()) for name in watched.names]
    shared = watched.only([place for place, count in enumerate(counts) if count > 1])
    require(
        bool(shared.names),
        f"the losses {', '.join(gradients)} share no trainable variable, so there are no rows to combine: the model "
        "needs at least two losses, and layers that two of them reach.",
    )
    return shared
