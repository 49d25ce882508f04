"""Makes a Gymnasium vector environment from an id; a failure raises ConfigError with a message of one sentence.

A `native` vector environment is one batched object, made by Gymnasium's `make_vec`. The environments of `sync` and
`async` are made one by one, wrapped in `Inspected`, and stepped sequentially or in one process each.
"""

import difflib
import functools
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

from rl.environments.families import family_of, register_family
from rl.environments.inspected import Inspected, MishapError
from rl.environments.origin import in_one_line
from rl.environments.processes import ProcessVector
from rl.errors import ConfigError, require

_MODES = {"next_step": AutoresetMode.NEXT_STEP, "same_step": AutoresetMode.SAME_STEP}


def make_vector(
    id: str,
    *,
    num_envs: int,
    vectorization: str,
    autoreset: str | None,
    kwargs: Mapping[str, Any],
    render_mode: str | None,
) -> VectorEnv:
    """Makes a Gymnasium vector environment.

    Args:
        id, num_envs, vectorization, autoreset, kwargs: see `GymnasiumEnvironment`.
        render_mode: passed to the constructor unless it is None, since not every constructor has the argument.
    Returns: a vector environment of `num_envs` environments, which resets them as `autoreset` says.
    Raises: ConfigError, with the config key to change, if
        - the id is unknown; the message suggests similar ids;
        - its package is not installed; the message has the command that installs it;
        - `autoreset` is given for a native environment;
        - the constructor fails; the message has its exception, with file and line.
    """
    require(
        autoreset is None or vectorization != "native",
        "a native vector environment has an autoreset mode of its own; set environment.autoreset=null.",
    )
    given = {**kwargs} if render_mode is None else {**kwargs, "render_mode": render_mode}
    options = {} if autoreset is None else {"autoreset_mode": _MODES[autoreset]}
    try:
        register_family(id)
        if vectorization == "native":
            return gymnasium.make_vec(id, num_envs=num_envs, vectorization_mode="vector_entry_point", **given)
        make = functools.partial(_make_one, id, given)
        if vectorization == "async":
            return ProcessVector([make] * num_envs, **options)
        # copy=False: every observation is copied into a tensor anyway.
        numbered = [functools.partial(_inspected, make, number) for number in range(num_envs)]
        return SyncVectorEnv(numbered, copy=False, **options)
    except MishapError as error:
        raise ConfigError(f"environment {id!r}, number {error.number}: {error.what} (environment.id).") from error
    except Exception as error:
        unknown = isinstance(error, gymnasium.error.UnregisteredEnv | gymnasium.error.DeprecatedEnv)
        if unknown or (isinstance(error, ModuleNotFoundError) and id.rsplit(":", 1)[-1] not in gymnasium.registry):
            raise ConfigError(_unknown(id, error)) from error
        why = str(error) if isinstance(error, gymnasium.error.Error | TypeError) else in_one_line(error)
        raise ConfigError(
            f"environment {id!r} cannot be made with vectorization {vectorization!r} and arguments {given}: {why} "
            "(environment.vectorization, environment.kwargs)"
        ) from error


def _make_one(id: str, given: Mapping[str, Any]) -> gymnasium.Env:
    """Makes one environment; registers the id's family again, since this may run in a new process."""
    register_family(id)
    return gymnasium.make(id, **given)


def _inspected(make: Callable[[], gymnasium.Env], number: int) -> Inspected:
    """Makes an environment and wraps it in `Inspected` with its index."""
    return Inspected(make(), number)


def _unknown(id: str, error: Exception) -> str:
    """The message for an id that is not registered: the package to install, or similar ids.

    Args: id: the unknown id; error: the exception that Gymnasium or the import of the family's package raised.
    """
    family = family_of(id)
    if family and isinstance(error, ModuleNotFoundError):
        return (
            f"environment {id!r} belongs to {family.module}, which is not installed ({error}): pip install "
            f"{family.package} (environment.id)."
        )
    close = difflib.get_close_matches(id, gymnasium.registry, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    return (
        f"environment {id!r} is not known to Gymnasium ({error}).{hint} Give an environment of your own with the "
        "module that registers it, as module:Name-v0 (environment.id)."
    )
