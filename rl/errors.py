"""The errors that refuse or stop a run; the user sees their messages without a traceback."""


class ConfigError(ValueError):
    """Invalid input. The message names the item, the value given, the values allowed and the config key."""


class DamagedError(ConfigError):
    """A damaged file of a run. The message names the file and what is wrong with it."""


class BusyError(ConfigError):
    """Another process is training in the run directory."""


class TrainingError(RuntimeError):
    """Training had to stop. The message is one sentence for the user; the run's summary says `failed`."""


class NonFiniteError(TrainingError):
    """A loss or a gradient row is not finite. The message names the objective, the variable and the update."""


class BadEnvironmentError(TrainingError):
    """An environment raised an exception, crashed or returned unusable values.

    The message names the environment, its number among those stepped together, its step, and the failure.
    """


class StorageError(TrainingError):
    """A run's files can no longer be written: the disk is full, or the run directory was removed or changed."""


def require(condition: bool, message: str) -> None:
    """Raises `ConfigError(message)` unless the condition holds."""
    if not condition:
        raise ConfigError(message)
