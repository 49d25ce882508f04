"""The gradient of every loss by itself, for any Keras 3 or TensorFlow model, in three lines.

    r = rows(lambda: {"fit": fit(model, x, y), "smooth": smooth(model, x)}, model.trainable_variables)
    print(r.norms, r.cosines, r.conflict)
    r.combine("upgrad").apply(optimizer)

It works eagerly, in a `tf.function` and under XLA (`jit_compile=True`), with the same numbers to rounding. Inside a
`tf.function` return the tensors (`r.gramian`), not the `Rows` themselves.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from rl.errors import require
from rl.gradients import LIVE, conflict, cosines, gramian, norms, watched_rows
from rl.library.checks import as_seed, as_state, require_reach, scalars
from rl.library.combined import Combined
from rl.library.rule_by_name import combiner_of
from rl.library.watching import Variables, Watched, watched_variables
from rl.updates.combiners import Combiner
from rl.updates.combining import initial_state, row_weights, weighted_sum
from rl.vectors import flat


def rows(losses: Callable[[], Mapping[str, tf.Tensor]], variables: Variables) -> "Rows":
    """The row of every objective, ∂L_i/∂w, from one forward pass and one backward pass per objective.

    A tape watches the variables given and no others, so frozen ones have rows as well: layers with `trainable=False`,
    frozen copies, `tf.Variable(trainable=False)`. An entry is 0 for a variable that a loss does not reach;
    `Rows.reaches` tells it from a gradient that happens to be 0.

    Args:
        losses: computes {objective: loss [] float} from the current values of the variables. It is called once, under
            the tape: what is computed before has no gradient.
        variables: a list of `tf.Variable` and `keras.Variable`, or {layer: [variables]}; see `watched_variables` for
            the names of variables and layers.
    Raises: ConfigError if `losses` is not callable or returns anything but scalar losses by name, if an objective
        reaches none of the variables, or if the variables do not fit.
    """
    require(
        callable(losses),
        f"losses is a {type(losses).__name__}; it must be a function without arguments that returns "
        "{objective: loss}, so that the losses are computed under the tape.",
    )
    watched = watched_variables(variables)
    values, reached = separate_gradients(losses, watched)
    for name in reached:
        require_reach(name, reached[name], watched)
    return rows_from(values, reached, watched)


def separate_gradients(
    losses: Callable[[], Mapping[str, tf.Tensor]], watched: Watched
) -> tuple[dict[str, tf.Tensor], dict[str, dict[str, tf.Tensor]]]:
    """({objective: loss []}, {objective: {variable's name: gradient, for the variables that it reaches}}).

    Args: as `rows` takes them.
    """
    parts = dict(zip(watched.names, ((one,) for one in watched.tensors), strict=True))
    found = watched_rows(lambda _: (scalars(losses()), None), {LIVE: parts}, None)
    reached = {name: {place.part: one for place, (one,) in own.items()} for name, own in found.gradients.items()}
    return found.losses, reached


def rows_from(
    losses: Mapping[str, tf.Tensor], reached: Mapping[str, Mapping[str, tf.Tensor]], watched: Watched
) -> "Rows":
    """The rows from gradients that are known already.

    Args:
        losses: {objective: loss []}; further ones are ignored.
        reached: {objective: {variable's name: gradient}}; zeros for the variables that it lacks.
        watched: the variables.
    """
    pairs = list(zip(watched.names, watched.tensors, strict=True))
    gradients = {
        name: tuple(own[one] if one in own else tf.zeros_like(tensor) for one, tensor in pairs)
        for name, own in reached.items()
    }
    return Rows(
        losses={name: losses[name] for name in gradients},
        gradients=gradients,
        reaches={name: tuple(one for one in watched.names if one in own) for name, own in reached.items()},
        gramians=gramian(list(gradients.values()), watched.layers),
        watched=watched,
    )


@dataclass(frozen=True, eq=False, repr=False)
class Rows:
    """The rows of m objectives with respect to the same variables, and what follows from them.

    Letters: m objectives, L layers, P numbers in all variables together, P_l in layer l.
    """

    losses: dict[str, tf.Tensor]
    """{objective: its loss, []}."""
    gradients: dict[str, tuple[tf.Tensor, ...]]
    """{objective: one tensor per variable, of its shape and dtype}; 0 where the loss does not reach the variable."""
    reaches: dict[str, tuple[str, ...]]
    """{objective: the names of the variables that it reaches}."""
    gramians: tf.Tensor
    """G_l = J_l J_lᵀ for every layer, [L, m, m] float64."""
    watched: Watched
    """The variables, their names and their layers."""

    @property
    def objectives(self) -> tuple[str, ...]:
        """The names of the rows, in the order of the losses."""
        return tuple(self.gradients)

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers, in the order of `gramians`."""
        return tuple(self.watched.layers)

    @property
    def flat(self) -> dict[str, tf.Tensor]:
        """{objective: its row as one vector, [P]}, variable by variable."""
        return {name: flat(row) for name, row in self.gradients.items()}

    @property
    def by_layer(self) -> dict[str, list[tf.Tensor]]:
        """{objective: its row on each layer, [P_l] each}, as `GradientLog.write(step, rows=…)` takes them."""
        return {
            name: [flat(row[k] for k in places) for places in self.watched.layers.values()]
            for name, row in self.gradients.items()
        }

    @property
    def gramian(self) -> tf.Tensor:
        """G = J Jᵀ over all variables, Σ_l G_l, [m, m] float64."""
        return tf.reduce_sum(self.gramians, 0)

    @property
    def norms(self) -> dict[str, tf.Tensor]:
        """{objective: the norm of its row, []}, float64."""
        return dict(zip(self.objectives, tf.unstack(norms(self.gramian)), strict=True))

    @property
    def cosines(self) -> tf.Tensor:
        """The cosines of all pairs of rows, [m, m] float64; NaN where a row is zero.

        Two independent random directions have a cosine of about ± 1/√P: a cosine within ± 2/√P is no evidence.
        """
        return cosines(self.gramian)

    @property
    def conflict(self) -> tf.Tensor:
        """The share of layers in which a pair of rows has a negative cosine, [m, m] float32; 0 on the diagonal.

        The tab's `conflict` and the tag `gradient/conflict/<a>-<b>`. Unrelated rows give about ½.
        """
        return conflict(self.gramians)

    @tf.autograph.experimental.do_not_convert  # as in training; AutoGraph also warns of methods that have no body
    def combine(
        self,
        combiner: str | Combiner,
        *,
        state: Any = (),
        seed: tf.Tensor | int | None = None,
        scope: str | None = None,
        **settings: Any,
    ) -> Combined:
        """One weight per row by a combiner, and the gradient Σ_i w_i row_i.

            r.combine("cagrad", c=0.9)        r.combine("value_only")        r.combine(UPGrad(scope="layer", …))

        Args:
            combiner: the name of one in configs/combiner/ (`rl/updates/combiners/README.md` describes each),
                `<objective>_only`, or a combiner of `rl.updates.combiners`.
            state: for a combiner that learns from step to step (`gradnorm`, `gradvac`): None at the first step, then
                the previous result's `.state`.
            seed: for a combiner that draws random numbers (`random`; `pcgrad` and `gradvac` with more than two rows):
                a whole number or [2] int, another one at every step, such as `optimizer.iterations`.
            scope: `global` (one weight per row, the default) or `layer` (one per row and layer).
            settings: the combiner's settings that differ from configs/combiner/.
        Raises: ConfigError for an unknown combiner or setting, a state or seed that is left out or does not fit.
        """
        rule = combiner_of(combiner, self.objectives, settings, scope)
        start = initial_state(rule, len(self.objectives), len(self.layers))
        rule.check(self.objectives, self.objectives)
        losses = tf.stack([tf.cast(loss, tf.float64) for loss in self.losses.values()])
        seed = as_seed(rule, len(self.objectives), seed)
        weights, state = row_weights(rule, self.gramians, losses, as_state(rule, start, state), seed)
        gradient = weighted_sum(list(self.gradients.values()), weights, self.watched.layers)
        of_row = tf.unstack(weights[0] if rule.scope == "global" else tf.transpose(weights))
        return Combined(dict(zip(self.objectives, of_row, strict=True)), tuple(gradient), state, self.watched)

    def __repr__(self) -> str:
        count = len(self.watched.variables)
        return f"Rows({', '.join(self.objectives)}; {count} variables in {len(self.layers)} layers)"
