"""The combined gradient of several objectives, and the step along it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from rl.errors import ConfigError, require
from rl.gradients import LIVE, Objective
from rl.library.watching import Variable, Watched, watched_variables
from rl.setting_errors import shown
from rl.updates import RuleState, UpdateRule, apply_step
from rl.updates.combiners import Sum
from rl.updates.optimizers import Optimizer


@dataclass(frozen=True, eq=False)
class Combined:
    """One gradient from the rows of several objectives: g = Σ_i w_i row_i, layer by layer.

    `combined.apply(optimizer)` moves the variables along it.
    """

    weights: dict[str, tf.Tensor]
    """{objective: w}, [] with scope `global`, [L] with scope `layer`, float64."""
    gradient: tuple[tf.Tensor, ...]
    """g, one tensor per variable, of its shape and dtype."""
    state: Any
    """The combiner's state for the next step; () for a combiner without one."""
    watched: Watched
    """The variables, their names and their layers."""

    def apply(
        self,
        optimizer: keras.optimizers.Optimizer | Optimizer,
        *,
        slots: Any = (),
        variables: Sequence[Variable] | None = None,
        progress: tf.Tensor | float = 0.0,
    ) -> Any:
        """Moves the variables: a Keras optimizer's own `apply`, or clipping, step and assignment of `UpdateRule`.

        Args:
            optimizer: of Keras 3, which keeps its own slots, or one of `rl.updates.optimizers`, which does not.
            slots: for the latter, None at the first step, then what the previous call returned. Only SGD, which has no
                slots, may leave it out.
            variables: the variables to move, if they are not those of the rows: the live weights for rows taken at a
                frozen copy (a delayed gradient). One for each, of the same shape.
            progress: share of the training done, in [0, 1], for a learning-rate schedule of `rl.updates.optimizers`.
        Returns: the next slots; () for a Keras optimizer.
        Raises: ConfigError, before anything moves, for a variable that is not trainable, variables of other shapes,
            slots left out, or anything else than an optimizer.
        """
        targets = self.watched if variables is None else self._others(variables)
        frozen = [name for name, one in zip(targets.names, targets.variables, strict=True) if not one.trainable]
        require(
            not frozen,
            f"the variable {', '.join(map(repr, frozen[:3]))} is not trainable, so no optimizer moves it: give "
            "trainable variables, to `rows` or as `variables` of `apply`.",
        )
        if isinstance(optimizer, keras.optimizers.Optimizer):
            optimizer.apply(list(self.gradient), list(targets.variables))
            return ()
        require(
            isinstance(optimizer, Optimizer),
            f"optimizer is {shown(optimizer)}, a {type(optimizer).__name__}; it must be a keras.optimizers.Optimizer, "
            "such as keras.optimizers.Adam(1e-3), or one of rl.updates.optimizers.",
        )
        return self._step(optimizer, slots, targets, progress)

    def _others(self, variables: Sequence[Variable]) -> Watched:
        """The variables to move in place of the watched ones; ConfigError unless they have the same shapes."""
        targets = watched_variables(variables)
        given, own = ([tuple(one.shape) for one in some] for some in (targets.variables, self.watched.variables))
        require(given == own, f"variables of `apply` have the shapes {given}; the rows' variables have {own}.")
        return targets

    def _step(self, optimizer: Optimizer, slots: Any, targets: Watched, progress: tf.Tensor | float) -> Any:
        """Clips the gradient, applies the step of one of the project's optimizers, and returns the next slots."""
        rule, tensors = _rule(optimizer, targets), _by_layer(targets.tensors, targets.layers)
        start = rule.init(tensors)
        slots = start.slots if slots is None else slots
        try:
            tf.nest.assert_same_structure(start.slots, slots)
        except (TypeError, ValueError):
            name = type(optimizer).__name__
            raise ConfigError(
                f"slots do not fit {name}, which keeps its slots outside: pass slots=None at the first step, and what "
                "`apply` returned at every later one."
            ) from None
        gradient = _by_layer(self.gradient, targets.layers)
        step, state = rule.step(gradient, tensors, RuleState(slots, ()), tf.convert_to_tensor(progress, tf.float32))
        apply_step(tensors, step.delta)
        return state.slots


def _by_layer(tensors: Sequence, layers: Mapping[str, Sequence[int]]) -> dict[str, tuple]:
    """One entry per variable as {layer: tuple}."""
    return {layer: tuple(tensors[k] for k in places) for layer, places in layers.items()}


def _rule(optimizer: Optimizer, targets: Watched) -> UpdateRule:
    """The update rule of one gradient, already combined, whose parts are the layers."""
    return UpdateRule(
        objectives=[Objective("combined", 1.0, {LIVE: tuple(targets.layers)})],
        groups={"combined": ["combined"]},
        names=_by_layer(targets.names, targets.layers),
        heads=(),
        combiner=Sum(scope="global", row_weights=None),
        optimizer=optimizer,
    )
