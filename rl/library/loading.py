"""Loads a trained policy: from a run directory, a checkpoint, or an exported folder.

policy = load("runs/default/seed-0")
action = policy.act(observation)
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rl.errors import require
from rl.runs.layout import CONFIG, METRICS, POLICY
from rl.runs.reader import Metrics, RecordedRun

if TYPE_CHECKING:
    import tensorflow as tf


def load(path: str | Path, *, checkpoint: str = "newest", trust: Sequence[str] = ()) -> "Policy":
    """Loads the greedy policy of a trained run; nothing in the folder changes.

    Args:
        path: a run directory, one of its checkpoint files, or a folder that `tapestry export` wrote.
        checkpoint: `newest` or `best`, of a run directory.
        trust: packages, besides this one, whose code the run's config may name (`--trust` of the commands).
    Raises: ConfigError where there is no such policy, or it cannot be used; DamagedError.
    """
    require(isinstance(path, str | Path), f"path: {path!r} was given; it is a string or a pathlib.Path.")
    path = Path(path)
    require(path.exists(), f"{path} does not exist; give a run directory, a checkpoint or an exported folder.")
    if (path / POLICY).is_file():
        return _exported(path)
    run, file = (path, checkpoint) if path.is_dir() else (path.absolute().parent.parent, str(path))
    require(
        (run / CONFIG).is_file(),
        f"{path} is no run directory (no {CONFIG}), no checkpoint in one, and no exported policy (no {POLICY}).",
    )
    return _of_run(run, file, trust)


class Policy(NamedTuple):
    """A greedy policy, as the run's evaluation acts."""

    settings: Mapping[str, Any]
    """{dotted key: value} of the run's config; of an exported policy, the content of policy.json."""
    weights: Mapping[str, "tf.Variable"]
    """{name: variable}, such as `torso/dense_0/kernel`; the policy acts with what they hold."""
    metrics: Metrics
    """What the run logged; empty for an exported policy."""
    steps: int
    """Environment steps that it was trained for."""
    observation_space: Mapping[str, Any]
    """Kind, shape, dtype and bounds of one observation, as in policy.json."""
    action_space: Mapping[str, Any]
    """The same of one action."""
    module: Any
    """The TensorFlow functions `act(observation, memory)` and `initial_memory(batch)`."""

    def act(self, observation: Any) -> np.ndarray:
        """The greedy action: the mean or the most likely one, within the environment's bounds.

        Args:
            observation: one [*shape], or a batch [N, *shape], as the environment returns it, not normalised; whatever
                NumPy makes an array of.
        Returns: [...] of an action for one observation, [N, ...] for a batch.
        Raises: ConfigError where the shape or the dtype is another.
        """
        array = self._observation(observation)
        single = array.ndim == len(self.observation_space["shape"])
        batch = array[None] if single else array
        action = self.module.act(batch, self.module.initial_memory(len(batch)))[0].numpy()
        return action[0] if single else action

    def _observation(self, observation: Any) -> np.ndarray:
        """The observation as an array of the space's dtype, checked."""
        array, shape, dtype = (
            np.asarray(observation),
            (*self.observation_space["shape"],),
            self.observation_space["dtype"],
        )
        fits = array.shape == shape or (array.ndim == len(shape) + 1 and array.shape[1:] == shape and len(array) > 0)
        inner = ", ".join(map(str, shape))
        require(fits, f"the observation has shape {array.shape}; it must be [{inner}], or [N, {inner}] for a batch.")
        whole = np.issubdtype(dtype, np.integer)
        real = np.issubdtype(array.dtype, np.number) and not np.issubdtype(array.dtype, np.complexfloating)
        numeric = (np.issubdtype(array.dtype, np.integer) if whole else real) or array.dtype == bool
        require(numeric, f"the observation has dtype {array.dtype}; it must be {dtype}.")
        return array.astype(dtype)

    def __repr__(self) -> str:
        seen, done = self.observation_space, self.action_space
        return f"Policy({seen['kind']} {seen['shape']} → {done['kind']} {done['shape']}, {self.steps:,} steps)"


def _of_run(run: Path, checkpoint: str, trust: Sequence[str]) -> Policy:
    """The policy of a run directory at one of its checkpoints."""
    from rl.commands.restoring import load_run  # noqa: PLC0415 (TensorFlow, which an error above does without)
    from rl.commands.run_names import flat  # noqa: PLC0415
    from rl.runs.export import described  # noqa: PLC0415
    from rl.runs.exported import ExportedPolicy  # noqa: PLC0415

    experiment, config = load_run(run, checkpoint, trusted=trust)
    environment = experiment.learner.environment
    environment.close()
    module, recorded = ExportedPolicy(experiment), RecordedRun(run)
    return Policy(
        settings=flat(config),
        weights=module.weights,
        metrics=Metrics() if recorded.missing(METRICS) else recorded.metrics,
        steps=experiment.steps,
        observation_space=described(environment.observation_space),
        action_space=described(environment.action_space),
        module=module,
    )


def _exported(folder: Path) -> Policy:
    """The policy in a folder that `tapestry export` wrote."""
    from rl.runtime import prepare  # noqa: PLC0415

    prepare()  # before TensorFlow is imported, so that it rounds as in the run

    import tensorflow as tf  # noqa: PLC0415

    from rl.runs.export import read_policy  # noqa: PLC0415

    about = read_policy(folder)
    try:
        module = tf.saved_model.load(str(folder))
    except OSError as error:
        require(False, f"{folder} holds no readable SavedModel: {str(error).splitlines()[0]}.")
    return Policy(
        settings=about,
        weights=dict(module.weights),
        metrics=Metrics(),
        steps=about["steps"],
        observation_space=about["observation_space"],
        action_space=about["action_space"],
        module=module,
    )
