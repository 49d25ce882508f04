"""The combiner of a Keras model: as it was given, its state from step to step, and its entry in a saved model."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import tensorflow as tf

from rl.errors import require
from rl.library.rule_by_name import ONE, combiner_of
from rl.updates import combiners
from rl.updates.combiners import Combiner
from rl.updates.combining import initial_state


class Combining:
    """A combiner whose rows are known at the first step only, and its state in variables.

    A plain object, so that Keras tracks nothing in it.
    """

    def __init__(self, combiner: str | Combiner, settings: Mapping[str, Any], seed: int):
        """
        Args:
            combiner: its name, `<objective>_only`, or a combiner.
            settings: those that differ from configs/combiner/, and `scope`.
            seed: for a combiner that draws random numbers.
        Raises: ConfigError for an unknown name, except `<objective>_only`, or an invalid setting.
        """
        self.given, self.seed, self._settings, self._state = combiner, seed, dict(settings), None
        self._saved: Sequence[Any] | None = None
        names_an_objective = isinstance(combiner, str) and combiner.endswith(ONE)
        self.is_sum = not names_an_objective and self.rule(()).is_sum

    def rule(self, objectives: Sequence[str]) -> Combiner:
        """The combiner for these rows; ConfigError if it is `<objective>_only` of another objective."""
        settings = {key: one for key, one in self._settings.items() if key != "scope"}
        return combiner_of(self.given, objectives, settings, self._settings.get("scope"))

    def state(self, rule: Combiner, num_rows: int, num_layers: int) -> Any:
        """The combiner's state, a nest of variables that is made at the first call."""
        if self._state is None:
            with tf.init_scope():  # outside the function that is being traced
                start = self._go_on_from(initial_state(rule, num_rows, num_layers))
                self._state = tf.nest.map_structure(lambda one: tf.Variable(one, trainable=False), start)
        return self._state

    def _go_on_from(self, initial: Any) -> Any:
        """The saved state, if there is one, in place of the initial one; ConfigError if it does not fit."""
        if self._saved is None:
            return initial
        flat = tf.nest.flatten(initial)
        shapes, saved = [tuple(one.shape) for one in flat], [np.shape(one) for one in self._saved]
        require(
            saved == shapes,
            f"the saved model's combiner has a state of shapes {saved}, and with the rows of this model {shapes}: load "
            "the model with compile=False, and compile it anew.",
        )
        return tf.nest.pack_sequence_as(
            initial, [tf.constant(x, of.dtype) for x, of in zip(self._saved, flat, strict=True)]
        )

    def to_config(self) -> dict[str, Any]:
        """What was given, and the state so far, as JSON values."""
        state = self._saved if self._state is None else [x.numpy().tolist() for x in tf.nest.flatten(self._state)]
        common = {"seed": self.seed, "state": state}
        if isinstance(self.given, str):
            return {"name": self.given, "settings": self._settings, **common}
        return {"class": type(self.given).__name__, "settings": dataclasses.asdict(self.given), **common}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The inverse of `to_config`.

        Raises: ConfigError if the combiner is no class of `rl.updates.combiners`, such as a user's own.
        """
        if "name" in config:
            return cls(config["name"], config["settings"], config["seed"])._with_saved(config)
        kind = getattr(combiners, config["class"], None)
        require(
            isinstance(kind, type) and issubclass(kind, Combiner),
            f"the saved model's combiner {config['class']!r} is not one of rl.updates.combiners: load the model with "
            "compile=False, and compile it with the combiner.",
        )
        return cls(kind(**config["settings"]), {}, config["seed"])._with_saved(config)

    def _with_saved(self, config: Mapping[str, Any]) -> Self:
        """Itself, to go on from the state in a config."""
        self._saved = config.get("state")
        return self
