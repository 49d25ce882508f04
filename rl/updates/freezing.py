"""Weights that an update rule leaves alone, by pattern, for good or until an environment step."""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from rl.errors import require
from rl.inputs import changed
from rl.patterns import masks_of
from rl.settings import PositiveInteger, settings


@settings
class Freeze:
    """Which of the live weights have no part in the update rule.

    Their gradients count neither for the combiner nor for clipping, their slots stand still, and Δw is 0. Probes watch
    them all the same. After `until` they learn like the others, from slots as they were at the start; Adam's bias
    correction counts from the start of training, so that their first steps are up to (1 − β₁)/√(1 − β₂) as long.
    """

    patterns: Sequence[str]
    """Patterns of parts or single weights (`fnmatch`, case-sensitive): `torso`, `torso/*`, `*/bias`."""
    until: PositiveInteger | None
    """Environment steps after which they learn; None for never."""

    still = True
    """Whether they are frozen at the moment, a bool or [] bool."""

    def at(self, step: tf.Tensor) -> "Freeze":
        """The same at an environment step, [] float32."""
        return self if self.until is None or not self.patterns else changed(self, {"still": step < float(self.until)})

    def mask(self, names: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[bool, ...]]:
        """{part: for each of its weights, whether a pattern matches it}.

        Args:
            names: {part: names of its weights} of the whole network.
        Raises: ConfigError where a pattern matches nothing, or all weights are frozen for good.
        """
        found = masks_of(self.patterns, names, key="freeze")
        masks = {
            part: tuple(any(found[pattern][part][place] for pattern in self.patterns) for place in range(len(weights)))
            for part, weights in names.items()
        }
        require(
            self.until is not None or not all(frozen for mask in masks.values() for frozen in mask),
            f"freeze is {list(self.patterns)}, which leaves nothing to learn; leave a part out, or set unfreeze_at.",
        )
        return masks

    def zeroed(self, tensor: tf.Tensor) -> tf.Tensor:
        """A frozen weight's gradient or step: zeros while it is frozen."""
        zeros = tf.zeros_like(tensor)
        return zeros if self.still is True else tf.where(self.still, zeros, tensor)

    def kept(self, new: tf.Tensor, old: tf.Tensor) -> tf.Tensor:
        """A frozen weight's slot: the old one while it is frozen."""
        return old if self.still is True else tf.where(self.still, old, new)
