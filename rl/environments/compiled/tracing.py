"""Checks that an environment's functions can be part of a compiled program and are reproducible.

XLA cannot compile operations that call Python (`tf.py_function`, `tf.numpy_function`). Operations with their own
generator (`tf.random.uniform`, `tf.random.shuffle`) would make a run depend on more than its seed: all randomness must
come from the uniform numbers that are passed to the functions.
"""

import inspect
from typing import Any

import tensorflow as tf

from rl.environments.origin import in_one_line
from rl.environments.protocol import Environment
from rl.errors import ConfigError, require

_PYTHON = ("PyFunc", "EagerPyFunc", "PyFuncStateless")
"""Operations that call Python, which XLA cannot compile."""
_GENERATORS = (
    "Multinomial",
    "ParameterizedTruncatedNormal",
    "RandomGamma",
    "RandomPoisson",
    "RandomPoissonV2",
    "RandomShuffle",
    "RandomStandardNormal",
    "RandomUniform",
    "RandomUniformInt",
    "RngReadAndSkip",
    "RngSkip",
    "TruncatedNormal",
)
"""Operations that draw from TensorFlow's own generators."""


def check_traced(environment: Environment, function: str, *arguments: Any) -> None:
    """Traces a method of an environment on symbolic arguments and checks its operations.

    Args:
        environment: the environment.
        function: the name of the method.
        arguments: example arguments; only their shapes and dtypes are used.
    Raises: ConfigError that names the class and the method if it cannot be traced, calls Python, or draws random
        numbers from TensorFlow's own generators.
    """
    name = f"{environment.name}.{function}"
    try:
        program = tf.function(getattr(environment, function), autograph=False).get_concrete_function(*arguments)
    except Exception as error:
        own = inspect.getsourcefile(type(environment))
        raise ConfigError(
            f"{name} cannot be compiled: {in_one_line(error, own)} Use TensorFlow's operations alone."
        ) from error
    graph = program.graph.as_graph_def()
    used = {node.op for node in graph.node} | {node.op for inner in graph.library.function for node in inner.node_def}
    require(
        not used & {*_PYTHON},
        f"{name} calls Python ({', '.join(sorted(used & {*_PYTHON}))}), which a compiled program cannot; use "
        "TensorFlow's operations alone.",
    )
    drawn = sorted(used & {*_GENERATORS})
    require(
        not drawn,
        f"{name} draws from TensorFlow's own generator ({', '.join(drawn)}), so that no run could be repeated; use the "
        "uniform numbers that it is given (num_start_uniforms, num_step_uniforms).",
    )
