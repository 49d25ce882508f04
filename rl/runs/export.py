"""Exports a run's policy: a SavedModel, policy.json that describes it, and a README, in a new folder."""

import json
import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from rl import plain_json
from rl.errors import ConfigError, require
from rl.ownership import mark
from rl.runs.experiment import Experiment
from rl.runs.exported import ExportedPolicy
from rl.runs.layout import POLICY
from rl.runs.onnx_file import write_onnx
from rl.spaces import Box, Dict, Discrete, Space

_README = """\
# A policy exported by Tapestry

A TensorFlow SavedModel; only TensorFlow is needed to use it.

```python
import tensorflow as tf

policy = tf.saved_model.load("{name}")
memory = policy.initial_memory(1)    # 1: the number of environments n
action, memory = policy.act(observation, memory)    # at every step
```

- `observation`: {observation}; any n from 1 on. Observations are raw: the statistics that normalise them are inside.
- `action`: {action}. It is the greedy action, as in the run's evaluation.
- `memory`: what the policy carries from step to step. It is empty, `()`, for all policies so far.

The signature `serving_default` takes `observation` and returns `action`, for TensorFlow Serving. policy.json has the
spaces, the agent, the environment steps and the return.

The actions equal those of the run's evaluation bit for bit with TensorFlow {version}, on the same kind of processor, in
a process started with these environment variables; otherwise TensorFlow may round the last bits of a matrix product
differently:

    {settings}
"""
_NUMERICS = ("TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS")
"""The environment variables by which TensorFlow chooses how to round."""


def export(experiment: Experiment, folder: Path, facts: Mapping[str, Any], *, onnx: bool = False) -> None:
    """Writes the policy at the experiment's current weights into a new folder; a crash leaves no such folder.

    Args:
        experiment: of one run.
        folder: it must not exist, or be empty.
        facts: what policy.json says beside the spaces: agent, environment, steps, return, ….
        onnx: whether to write policy.onnx as well (extra `onnx`), whose actions are equal to rounding.
    Raises: ConfigError where the folder holds files already, or cannot be written.
    """
    check_free(folder)
    environment = experiment.learner.environment
    policy = ExportedPolicy(experiment)
    about = {
        **facts,
        "observation_space": described(environment.observation_space),
        "action_space": described(environment.action_space),
        "memory": [],
        "compiled": environment.compiled,
        "tensorflow": tf.__version__,
        "environment_variables": {name: os.environ[name] for name in _NUMERICS if name in os.environ},
    }
    staging = folder.absolute().with_name(f".{folder.absolute().name}.{os.getpid()}.partial")
    try:
        staging.mkdir(parents=True)
        tf.saved_model.save(policy, str(staging), signatures={"serving_default": _signature(policy)})
        (staging / POLICY).write_text(plain_json.dumps(about, indent=2) + "\n", encoding="utf-8")
        (staging / "README.md").write_text(_readme(folder, about), encoding="utf-8")
        if onnx:
            write_onnx(experiment, staging / "policy.onnx")
        mark(staging, "policy")
        staging.replace(folder)  # an empty folder is replaced, any other is not
    except OSError as error:
        raise ConfigError(f"--out {folder} cannot be written: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def check_free(folder: Path) -> None:
    """Raises ConfigError unless the folder does not exist yet, or is empty."""
    taken = os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir() or any(folder.iterdir()))
    require(not taken, f"--out {folder} exists already, and nothing is replaced: choose another folder, or remove it.")


def read_policy(folder: Path) -> dict[str, Any]:
    """The content of an exported folder's policy.json. Raises: ConfigError where it is missing or damaged."""
    try:
        about = json.loads((folder / POLICY).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{folder / POLICY} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise ConfigError(f"{folder / POLICY} is damaged: it is not valid JSON ({error}).") from None
    require(isinstance(about, dict), f"{folder / POLICY} is damaged: it holds no object.")
    return about


def described(space: Space) -> dict[str, Any]:
    """A space as JSON: its kind, shape, dtype and bounds; None for an infinite bound."""
    if isinstance(space, Dict):
        return {"kind": "Dict", "spaces": {name: described(one) for name, one in space.spaces.items()}}
    if isinstance(space, Box):
        low, high = (_bound(bound) for bound in (space.low, space.high))
        return {"kind": "Box", "shape": list(space.shape), "dtype": space.dtype.name, "low": low, "high": high}
    n = list(space.n) if isinstance(space.n, tuple) else space.n
    shape = [] if isinstance(space, Discrete) else [len(n) if isinstance(n, list) else n]
    return {"kind": type(space).__name__, "n": n, "shape": shape, "dtype": "int64"}


def _bound(bound: np.ndarray) -> Any:
    """A bound as a number where all entries are equal, else as nested lists; None where one is infinite."""
    if not np.isfinite(bound).all():
        return None
    return bound.flat[0].item() if bound.size and (bound == bound.flat[0]).all() else bound.tolist()


def _signature(policy: ExportedPolicy) -> Any:
    """The signature for TensorFlow Serving: observation → {action}, for policies without a memory."""
    observation, _ = policy.act.input_signature
    return tf.function(
        lambda observation: {"action": policy.act(observation, ())[0]}, input_signature=[observation], autograph=False
    )


def _readme(folder: Path, about: Mapping[str, Any]) -> str:
    """The text of README.md."""
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in about["environment_variables"].items())
    return _README.format(
        name=folder.name,
        observation=_in_words(about["observation_space"]),
        action=_in_words(about["action_space"]),
        version=about["tensorflow"],
        settings=settings or "none",
    )


def _in_words(space: Mapping[str, Any]) -> str:
    """A batch of a space's elements in words."""
    if space["kind"] == "Dict":
        return "a dictionary with " + "; ".join(f"`{name}`: {_in_words(one)}" for name, one in space["spaces"].items())
    shape = ", ".join(map(str, ["n", *space["shape"]]))
    bounds = f", from {space['low']} to {space['high']}" if space.get("low") is not None else ""
    choices = f", choices of {space['n']}, from 0 on" if "n" in space else ""
    return f"`{space['dtype']}` [{shape}]{bounds}{choices}"
