"""Checks before training that a compiled environment fulfils the protocol, since XLA's own errors name no field.

A subclass of `CompiledEnvironment` with N environments has to define

    observation_shape        a tuple of positive integers
    observation_dtype        tf.float32, tf.float64, or tf.uint8 for frames
    action_space             Discrete(n ≥ 1), or Box with float32 bounds of shape [actions]
    num_start_uniforms       ≥ 0, and num_step_uniforms ≥ 0
    start(uniforms)          → a state: any nest of tensors, each with the leading axis N
    observe(state)           → [N, *observation_shape] of observation_dtype
    advance(state, action, uniforms) → (state of the same structure, [N] float32 reward, [N] bool terminated)

Any other compiled environment defines the protocol's `reset` and `step` itself; these are checked instead.
"""

import inspect
from typing import Any

import numpy as np
import tensorflow as tf

from rl import spaces
from rl.environments.compiled.environment import CompiledEnvironment
from rl.environments.compiled.tracing import check_traced
from rl.environments.origin import in_one_line
from rl.environments.protocol import Environment
from rl.environments.transition import Transition
from rl.errors import ConfigError, require
from rl.spaces import Box, Discrete

_TYPES = (tf.float32, tf.float64, tf.uint8)
"""The allowed dtypes of observations."""


def check_contract(environment: Environment) -> None:
    """Checks a compiled environment: its fields, its functions, one eager step, and that it can be compiled.

    Every shape and dtype of a step is compared with the protocol's; then the functions are traced.

    Raises: ConfigError that names the class, the field or function, its value and the allowed values.
    """
    _check_fields(environment)
    if isinstance(environment, CompiledEnvironment):
        _check_functions(environment)
    name, rows = environment.name, environment.num_envs
    state, observation = _result_of(environment, "reset", tf.constant([0, 0], tf.uint32))
    after, transition = _result_of(
        environment, "step", state, _neutral_action(environment), _half_uniforms(environment)
    )
    _require_same_state(name, "the state after `step`", after, "that of `reset`", state)
    if not isinstance(environment, CompiledEnvironment):
        check_traced(environment, "step", state, _neutral_action(environment), _half_uniforms(environment))
    frames = spaces.spec(environment.observation_space, rows)
    frame = (tuple(frames.shape), frames.dtype)
    number, flag = ((rows,), tf.float32), ((rows,), tf.bool)
    _require_tensor(f"{name}.reset: the observation", observation, *frame)
    for field, expected in zip(Transition._fields, (frame, number, flag, flag, frame, flag), strict=True):
        _require_tensor(f"{name}.step: `{field}`", getattr(transition, field), *expected)


def _check_fields(environment: Environment) -> None:
    """Checks the class's own fields: shapes, dtypes, the action space and the counts of uniform numbers.

    Raises: ConfigError that names the first field that is missing or wrong.
    """
    name = environment.name
    ours = isinstance(environment, CompiledEnvironment)
    counts = ["num_start_uniforms", "num_step_uniforms"] if ours else []
    fields = [*(["observation_shape", "observation_dtype"] if ours else ["observation_space"]), "action_space", *counts]
    missing = [field for field in fields if not hasattr(environment, field)]
    require(not missing, f"{name} has no {', '.join(missing)}; a compiled environment must say so.")
    if ours:
        _check_observations(environment)
    else:
        box = environment.observation_space
        require(isinstance(box, Box), f"{name}.observation_space is {box!r}; it must be a Box.")
    space = environment.action_space
    for field in counts:
        value = getattr(environment, field)
        require(
            isinstance(value, int | np.integer) and value >= 0, f"{name}.{field} is {value!r}; it must be 0 or more."
        )
    require(isinstance(space, Discrete | Box), f"{name}.action_space is {space!r}; it must be a Discrete or a Box.")
    if isinstance(space, Discrete):
        require(
            isinstance(space.n, int | np.integer) and space.n >= 1,
            f"{name}.action_space has n = {space.n!r}; it must be a positive integer.",
        )
        return
    bounds = [np.asarray(bound) for bound in space]
    require(
        bounds[0].shape == bounds[1].shape and bounds[0].ndim == 1 and all(b.dtype == np.float32 for b in bounds),
        f"{name}.action_space has bounds of {bounds[0].dtype} {bounds[0].shape} and {bounds[1].dtype} "
        f"{bounds[1].shape}; both must be float32 and [actions].",
    )


def _check_observations(environment: CompiledEnvironment) -> None:
    """Checks the shape and the dtype of the observations.

    Raises: ConfigError that names the wrong field.
    """
    name, shape, dtype = environment.name, environment.observation_shape, environment.observation_dtype
    sizes = isinstance(shape, tuple) and all(isinstance(size, int | np.integer) and size >= 1 for size in shape)
    require(sizes, f"{name}.observation_shape is {shape!r}; it must be a tuple of positive integers.")
    known = ", ".join(f"tf.{one.name}" for one in _TYPES)
    require(dtype in _TYPES, f"{name}.observation_dtype is {dtype!r}; it must be one of {known}.")


def _check_functions(environment: CompiledEnvironment) -> None:
    """Checks `start`, `observe` and `advance` one by one, so that the error names the wrong one.

    The N environments must be the first axis of every tensor of the state, and the state must keep its structure,
    shapes and dtypes from step to step.

    Raises: ConfigError that names the function and what it has to return.
    """
    name, rows, begin = environment.name, environment.num_envs, environment.num_start_uniforms
    start = _result_of(environment, "start", _half_uniforms(environment)[:, :begin])
    for path, spec in _specs(start).items():
        require(
            spec.shape.rank >= 1 and spec.shape[0] == rows,
            f"{name}.start: the state{path} has shape {list(spec.shape)}; its first axis must be the {rows} "
            "environments.",
        )
    frames = spaces.spec(environment.observation_space, rows)
    frame = (tuple(frames.shape), frames.dtype)
    _require_tensor(f"{name}.observe", _result_of(environment, "observe", start), *frame)
    answer = _result_of(
        environment, "advance", start, _neutral_action(environment), _half_uniforms(environment)[:, begin:]
    )
    require(
        isinstance(answer, tuple) and len(answer) == 3,
        f"{name}.advance returns {_kind(answer)}; it must return (next state, reward, terminated).",
    )
    after, reward, terminated = answer
    _require_same_state(name, "the state after `advance`", after, "that of `start`", start)
    # First: a reward that follows from a wrong `terminated` is wrong, too.
    _require_tensor(f"{name}.advance: `terminated`", terminated, (rows,), tf.bool)
    _require_tensor(f"{name}.advance: the reward", reward, (rows,), tf.float32)
    check_traced(environment, "start", _half_uniforms(environment)[:, :begin])
    check_traced(environment, "observe", start)
    check_traced(environment, "advance", start, _neutral_action(environment), _half_uniforms(environment)[:, begin:])


def _result_of(environment: Environment, function: str, *arguments: Any) -> Any:
    """Calls a method of the environment.

    Args:
        environment: the environment.
        function: the name of the method.
        arguments: its arguments.
    Raises: ConfigError with file and line if the method raises an exception.
    """
    try:
        return getattr(environment, function)(*arguments)
    except Exception as error:
        own = inspect.getsourcefile(type(environment))
        hint = _hint(environment, function, error)
        raise ConfigError(f"{environment.name}.{function} fails: {in_one_line(error, own)}{hint}") from error


def _hint(environment: Environment, function: str, error: Exception) -> str:
    """A sentence where `start` or `advance` reads uniform numbers although it asked for none, else nothing."""
    field = {"start": "num_start_uniforms", "advance": "num_step_uniforms"}.get(function)
    if field is None or getattr(environment, field) or "out of bounds" not in str(error):
        return ""
    return f". It gets no uniform numbers: {field} is 0, and says how many it takes for each environment."


def _neutral_action(environment: Environment) -> tf.Tensor:
    """A valid action for all environments, [N] int64 or [N, d] float32: 0, or the value in the bounds nearest to 0."""
    space, rows = environment.action_space, environment.num_envs
    if isinstance(space, Discrete):
        return tf.zeros(rows, tf.int64)
    return tf.zeros((rows, *space.shape)) + np.clip(np.float32(0), space.low, space.high)


def _half_uniforms(environment: Environment) -> tf.Tensor:
    """Uniform numbers for one step, all ½, [N, num_uniforms]."""
    return tf.fill((environment.num_envs, environment.num_uniforms), 0.5)


def _require_tensor(what: str, value: Any, shape: tuple[int, ...], dtype: tf.DType) -> None:
    """Checks that a value is a tensor or array of the given shape and dtype.

    Args:
        what: the subject of the message, `CartPole.advance: the reward`.
        value: the value to check.
        shape: the required shape.
        dtype: the required dtype.
    Raises: ConfigError.
    """
    expected = f"{dtype.name} {list(shape)}"
    require(tf.is_tensor(value) or isinstance(value, np.ndarray), f"{what} is {_kind(value)}; it must be {expected}.")
    tensor = tf.convert_to_tensor(value)
    require(
        tensor.dtype == dtype and tuple(tensor.shape) == tuple(shape),
        f"{what} is {tensor.dtype.name} {list(tensor.shape)}; it must be {expected}.",
    )


def _require_same_state(name: str, this: str, after: Any, that: str, before: Any) -> None:
    """Checks that two states have the same structure, with the same shape and dtype in every leaf.

    Args:
        name: the environment's name.
        this: describes the second state in the message, `the state after `step``.
        after: the second state.
        that: refers to the first state in the message, `that of `reset``.
        before: the first state.
    Raises: ConfigError.
    """
    old, new = _specs(before), _specs(after)
    require(
        list(old) == list(new),
        f"{name}: {this} has the leaves {_listed(new)}; it must have those of {that}, {_listed(old)}.",
    )
    for path, spec in new.items():
        require(
            spec == old[path],
            f"{name}: {this} has{path} {spec.dtype.name} {list(spec.shape)}; it must be as in {that}, "
            f"{old[path].dtype.name} {list(old[path].shape)}.",
        )


def _specs(state: Any) -> dict[str, tf.TensorSpec]:
    """The shape and dtype of every tensor of a state, {path: spec}.

    A path is ` .velocity` or ` [0]`, with a leading space for the message; it is empty if the state is one tensor.
    """
    found = {}
    for path, leaf in _walk(state, ""):
        tensor = tf.convert_to_tensor(leaf)
        found[f" {path}" if path else ""] = tf.TensorSpec(tensor.shape, tensor.dtype)
    return found


def _walk(node: Any, path: str) -> list[tuple[str, Any]]:
    """(path, leaf) of every leaf of a nest of named tuples, dictionaries and sequences, in order."""
    if hasattr(node, "_fields"):
        return [found for field in node._fields for found in _walk(getattr(node, field), f"{path}.{field}")]
    if isinstance(node, dict):
        return [found for key in sorted(node) for found in _walk(node[key], f"{path}[{key!r}]")]
    if isinstance(node, list | tuple):
        return [found for place, value in enumerate(node) for found in _walk(value, f"{path}[{place}]")]
    return [(path, node)]


def _listed(specs: dict[str, tf.TensorSpec]) -> str:
    """The paths of a state's leaves, for a message."""
    return ",".join(specs).strip() or "of one tensor"


def _kind(value: Any) -> str:
    """Describes a wrong return value, for a message."""
    if isinstance(value, tuple):
        return f"{len(value)} values"
    return f"{value!r}" if isinstance(value, bool | int | float | type(None)) else f"a {type(value).__name__}"
