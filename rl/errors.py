"""The ways in which a run can be refused or stopped; all are shown to the user without a traceback."""


class ConfigError(ValueError):
    """Input that cannot be used. The message names the thing, the value, what is allowed and the config key."""


class BusyError(ConfigError):
    """A run directory in which another process is training."""


class NonFiniteError(RuntimeError):
    """A loss or a row that is not a finite number. The message names the objective, the variable and the update."""


def require(condition: bool, message: str) -> None:
    """Raises `ConfigError(message)` unless the condition holds."""
    if not condition:
        raise ConfigError(message)
