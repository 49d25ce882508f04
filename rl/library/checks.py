"""Checks of what `rows` and `Rows.combine` are given; each raises `ConfigError` with one sentence."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from rl.errors import ConfigError, require
from rl.library.watching import Watched
from rl.setting_errors import shown
from rl.updates.combiners import Combiner


def scalars(losses: Any) -> dict[str, tf.Tensor]:
    """The losses as tensors; ConfigError unless they are scalars by name."""
    require(
        isinstance(losses, Mapping) and bool(losses),
        f"losses() returned {shown(losses)}; it must return {{objective: loss}} with at least one objective.",
    )
    values = {}
    for name, loss in losses.items():
        require(isinstance(name, str) and name != "", f"losses() has the objective {shown(name)}; a name is a string.")
        try:
            values[name] = tf.convert_to_tensor(loss)
        except (TypeError, ValueError):
            raise ConfigError(f"objective {name!r} is {shown(loss)}; it must be a scalar loss.") from None
        shape, kind = values[name].shape, values[name].dtype
        require(
            shape.is_compatible_with(()) and kind.is_floating,
            f"objective {name!r} is a loss of shape {shape}, {kind.name}; it must be a floating-point scalar of shape "
            "(), such as a tf.reduce_mean over samples.",
        )
    return values


def as_state(rule: Combiner, start: Any, state: Any) -> Any:
    """The state to combine with; ConfigError if it is left out, or not the state of this combiner and these rows."""
    left_out = isinstance(state, tuple) and not state
    if state is None or (left_out and not tf.nest.flatten(start)):
        return start
    try:
        tf.nest.assert_same_structure(start, state)
        fits = all(a.shape == b.shape for a, b in zip(tf.nest.flatten(start), tf.nest.flatten(state), strict=True))
    except (AttributeError, TypeError, ValueError):
        fits = False
    require(
        fits,
        f"state does not fit {type(rule).__name__} with these rows: a combiner that learns from step to step takes "
        "state=None at the first step and the previous result's .state at every later one; the others take none.",
    )
    return state


def as_seed(rule: Combiner, num_rows: int, seed: tf.Tensor | int | None) -> tf.Tensor:
    """The seed as [2] int; ConfigError if the combiner needs one and none is given."""
    if seed is None:
        require(
            not rule.is_random(num_rows),
            f"{type(rule).__name__} draws random numbers for {num_rows} rows: pass seed=, a whole number that differs "
            "from step to step, such as optimizer.iterations.",
        )
        return tf.zeros(2, tf.int32)
    words = tf.convert_to_tensor(seed, tf.int64) if isinstance(seed, int) else tf.convert_to_tensor(seed)
    require(
        words.dtype.is_integer and words.shape in ((), (2,)),
        f"seed is {shown(seed)}; it must be a whole number or a tensor of two of them.",
    )
    return tf.stack([tf.zeros_like(words), words]) if words.shape.rank == 0 else words


def require_reach(objective: str, own: Mapping[str, tf.Tensor], watched: Watched) -> None:
    """Raises ConfigError if an objective reaches none of the variables.

    Args: own: {variable's name: gradient}.
    """
    require(
        bool(own),
        f"objective {objective!r} reaches none of the variables ({_some(watched.names)}): compute it from them inside "
        "`losses`, without a stop-gradient or conversion to NumPy in between, or leave it out.",
    )


def _some(names: tuple[str, ...]) -> str:
    """At most three names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
