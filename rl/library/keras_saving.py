"""A combiner in the config of a saved Keras model."""

import dataclasses
from typing import Any

from rl.errors import require
from rl.updates import combiners
from rl.updates.combiners import Combiner


def combiner_to_config(combiner: Combiner, seed: int) -> dict[str, Any]:
    """The class, the settings and the seed, as JSON values."""
    return {"combiner": type(combiner).__name__, "settings": dataclasses.asdict(combiner), "seed": seed}


def combiner_from_config(config: dict[str, Any]) -> tuple[Combiner, int]:
    """The combiner and the seed.

    Raises: ConfigError if the combiner is no class of `rl.updates.combiners`, such as a user's own.
    """
    kind = getattr(combiners, config["combiner"], None)
    require(
        isinstance(kind, type) and issubclass(kind, Combiner),
        f"the saved model's combiner {config['combiner']!r} is not one of rl.updates.combiners: load the model with "
        "compile=False, and compile it with the combiner.",
    )
    return kind(**config["settings"]), config["seed"]
