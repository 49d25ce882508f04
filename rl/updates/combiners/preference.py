"""The preference: how much each row counts in combiners that start from a weighted mean of the rows."""

from collections.abc import Sequence
from typing import ClassVar

import tensorflow as tf

from rl.errors import require
from rl.settings import PositiveNumber, settings
from rl.updates.combiners.active_sets import require_few
from rl.updates.combiners.combiner import Combiner


@settings
class PreferenceCombiner(Combiner):
    """A combiner that starts from a weighted mean of up to six rows."""

    preference: Sequence[PositiveNumber] | None
    """p, one positive number per row, normalised by their sum; None for equal preferences."""

    option: ClassVar[str]
    """Its name in `combiner=`, for messages."""

    def init(self, num_rows: int) -> tuple:
        """No state. Raises: ConfigError for more than six rows, or a preference without one number per row."""
        require_few(self.option, num_rows)
        require_preference(self.preference, num_rows)
        return ()


def require_preference(preference: Sequence[float] | None, num_rows: int) -> None:
    """Checks that a preference has one number per row; None, for equal preferences, always fits.

    Raises: ConfigError that names the preference and the number of rows.
    """
    if preference is None:
        return
    require(
        len(preference) == num_rows,
        f"combiner.preference is {list(preference)}; it needs a positive number for each of the {num_rows} rows "
        "(one a group of agent.groups), or null for equal ones.",
    )


def normalized(preference: Sequence[float] | None, num_rows: int) -> tf.Tensor:
    """The preference divided by its sum, [k] float64; 1/k each if it is None."""
    numbers = [1.0] * num_rows if preference is None else [float(share) for share in preference]
    return tf.constant([number / sum(numbers) for number in numbers], tf.float64)
