"""The ways in which a run can be refused or stopped; all are shown to the user without a traceback."""


class ConfigError(ValueError):
    """Input that cannot be used. The message names the thing, the value, what is allowed and the config key."""


class DamagedError(ConfigError):
    """A file of a run whose content is not what a run writes. The message names the file and what is wrong with it."""


class BusyError(ConfigError):
    """A run directory in which another process is training."""


class TrainingError(RuntimeError):
    """Training that had to stop. The message is one sentence for the user; the run's summary says `failed`."""


class NonFiniteError(TrainingError):
    """A loss or a row that is not a finite number. The message names the objective, the variable and the update."""


class BadEnvironmentError(TrainingError):
    """An environment that raised, died or gave what cannot be learnt from.

    The message names the environment, its number among those stepped together, its step, and what was wrong.
    """


class StorageError(TrainingError):
    """A run's files can no longer be written: the disk is full, or the run directory was removed or changed."""


def require(condition: bool, message: str) -> None:
    """Raises `ConfigError(message)` unless the condition holds."""
    if not condition:
        raise ConfigError(message)
