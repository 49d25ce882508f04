"""Tapestry: actor-critic agents on a shared torso, a gradient row for each objective, explicit update rules.

The names below are imported when they are first used, so that `import rl` loads neither TensorFlow nor Keras.
"""

from importlib import import_module

__version__ = "0.1.0"

_FROM = {
    "rows": "rl.library.rows",
    "Rows": "rl.library.rows",
    "CombinedModel": "rl.library.keras_fit",
    "RowsCallback": "rl.library.keras_fit",
    "GradientLog": "rl.library.gradient_log",
    "experiment": "rl.library.training",
    "Training": "rl.library.training",
    "load": "rl.library.loading",
}
"""{exported name: its module}."""

__all__ = ["__version__", *_FROM]  # noqa: PLE0604 - the names of the table


def __getattr__(name: str):
    """The exported object; AttributeError for another name."""
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_FROM[name]), name)


def __dir__() -> list[str]:
    """The module's own names and the exported ones."""
    return sorted({*globals(), *_FROM})
