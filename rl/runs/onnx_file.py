"""A policy as an ONNX file, by tf2onnx."""

import importlib.util
from pathlib import Path

import tensorflow as tf

from rl.errors import require
from rl.runs.experiment import Experiment
from rl.runs.exported import within
from rl.spaces import Box, spec

_OPSET = 17


def check_onnx() -> None:
    """Raises ConfigError unless tf2onnx is installed."""
    found = importlib.util.find_spec("tf2onnx") is not None
    require(found, "--onnx needs the extra `onnx`: pip install 'tapestry-rl[onnx]'.")


def write_onnx(experiment: Experiment, file: Path) -> None:
    """Writes a model with the input `observation` [N, ...] and the output `action` [N, ...], any N ≥ 1.

    Weights and statistics are constants in it. Actions equal those of the SavedModel to float32 rounding.

    Args: experiment: of one run, in an environment whose observations are a box.
    Raises: ConfigError where tf2onnx is missing, or an observation is no single tensor.
    """
    check_onnx()
    import tf2onnx  # noqa: PLC0415 (an extra)

    learner = experiment.learner
    space, actions = learner.environment.observation_space, learner.environment.action_space
    require(isinstance(space, Box), "--onnx takes observations of one tensor; leave the option out.")
    # As constants of the graph itself: tensors from outside would become further inputs of the model.
    acting = tf.nest.map_structure(lambda x: x.numpy(), learner.acting(experiment.variables))

    def policy(observation: tf.Tensor) -> dict[str, tf.Tensor]:
        """The greedy actions [N, ...]."""
        action = learner.actor.greedy(tf.nest.map_structure(tf.constant, acting), observation)
        return {"action": within(actions, action)}

    one = spec(space)
    signature = [tf.TensorSpec((None, *one.shape), one.dtype, name="observation")]
    function = tf.function(policy, input_signature=signature, autograph=False)
    tf2onnx.convert.from_function(function, input_signature=signature, opset=_OPSET, output_path=str(file))
