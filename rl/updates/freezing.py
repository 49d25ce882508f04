"""Weights that an update rule keeps frozen, selected by pattern, permanently or until an environment step."""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from rl.errors import require
from rl.inputs import changed
from rl.patterns import masks_of
from rl.settings import PositiveInteger, settings


@settings
class Freeze:
    """Selects live weights that the update rule does not move.

    Their gradients enter neither the combiner nor clipping, their slots do not change, and Δw is 0; probes still watch
    them. From `until` on they are trained like the others, starting from their initial slots. Adam's bias correction
    counts from the start of training, so their first steps are up to (1 − β₁)/√(1 − β₂) times as long.
    """

    patterns: Sequence[str]
    """Patterns of parts or single weights (`fnmatch`, case-sensitive): `torso`, `torso/*`, `*/bias`."""
    until: PositiveInteger | None
    """Environment step from which they are trained; None for never."""

    still = True
    """Whether they are currently frozen, a bool or [] bool."""

    def at(self, step: tf.Tensor) -> "Freeze":
        """These settings with `still` as at an environment step, [] float32."""
        return self if self.until is None or not self.patterns else changed(self, {"still": step < float(self.until)})

    def mask(self, names: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[bool, ...]]:
        """Whether a pattern matches each weight, {part: one bool per weight}.

        Args:
            names: {part: names of its weights} of the whole network.
        Raises: ConfigError if a pattern matches nothing, or all weights are frozen permanently.
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
