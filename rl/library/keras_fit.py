"""`fit` with a combiner in place of the sum of the losses.

    model = CombinedModel(inputs, {"digit": digit, "parity": parity})
    model.compile("adam", loss={"digit": "sparse_categorical_crossentropy", "parity": "mse"}, combiner="upgrad")
    model.fit(x, {"digit": y, "parity": y % 2}, callbacks=[RowsCallback("runs/digits", (x[:256], targets))])

`RowsCallback` only looks, and works with every Keras model.
"""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from rl.errors import require
from rl.library.checks import require_reach
from rl.library.keras_combiner import Combining
from rl.library.keras_losses import compiled_losses, compiled_weights
from rl.library.rows import rows_from, separate_gradients
from rl.library.rows_callback import RowsCallback
from rl.library.watching import Watched, shared_variables, watched_variables
from rl.updates.combiners import Combiner

__all__ = ["CombinedModel", "RowsCallback"]

_ADDED = "losses that layers add"


class CombinedModel(keras.Model):
    """A Keras model whose training step combines the rows of its losses, where Keras differentiates their sum.

    The losses are those of `compile`, one per output, times `loss_weights`. The variables that at least two of them
    reach are shared: their gradient is Σ_i w_i row_i, with the combiner's w. The others are private: a head's variables
    get their own loss's gradient, uncombined, and so do losses that layers add (regularisation), everywhere. With the
    combiner `sum` the step is that of `keras.Model`, in one backward pass.

    Made like a `keras.Model`: `CombinedModel(inputs, outputs)`, or a subclass with `call`. Metrics, validation,
    callbacks, mixed precision, `steps_per_execution`, `jit_compile` and saving work as usual. What `gradnorm` and
    `gradvac` learn is saved with the model; `compile` begins it anew.
    """

    def __new__(cls, *args: Any, **kwargs: Any):
        """A functional model for inputs and outputs, as `keras.Model` returns one.

        Keras would insert its class of functional models above this one, after which no subclass with `call` could be
        made any more.
        """
        is_functional = cls is CombinedModel and (len(args) == 2 or "outputs" in kwargs)
        return super().__new__(FunctionalCombinedModel if is_functional else cls, *args, **kwargs)

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        *args: Any,
        combiner: str | Combiner = "upgrad",
        combiner_settings: Mapping[str, Any] | None = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        """`keras.Model.compile`, and the combiner.

        Args:
            optimizer, loss, args, kwargs: as `keras.Model.compile` takes them.
            combiner: a name, `<output>_only`, or a combiner; see `Rows.combine`.
            combiner_settings: the settings that differ from configs/combiner/, and `scope`.
            seed: for a combiner that draws random numbers; it draws others at every step.
        Raises: ConfigError for an unknown combiner or an invalid setting, and under a distribution strategy with
            several replicas, each of which would combine rows of its own.
        """
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        require(replicas == 1, f"CombinedModel trains on one replica; the distribution strategy has {replicas}.")
        combining = Combining(combiner, combiner_settings or {}, seed)
        super().compile(optimizer, loss, *args, **kwargs)
        self._combining = combining

    @property
    def combiner(self) -> str | Combiner:
        """The combiner given to `compile`."""
        return self._combining.given

    def objectives(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, tf.Tensor]:
        """{objective: loss []} on a batch, without `loss_weights`: the losses of `compile`.

        A subclass may return others, such as several losses of one output; `compile` then needs no `loss`.
        """
        return compiled_losses(self, y, y_pred, sample_weight)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The weighted sum of the objectives and of the losses that layers add, []; see `keras.Model.compute_loss`."""
        return sum([*self._weighted(x, y, y_pred, sample_weight).values(), *self._added()])

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One step of the optimizer along the combined gradient; returns the metrics. See `keras.Model.train_step`."""
        if self._combining.is_sum:
            return super().train_step(data)
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        if not self.built:
            self(x, training=False)  # makes the variables
        scale, seen = self.optimizer.scale_loss(tf.ones(())), {}

        def losses():
            seen["y_pred"] = self(x, training=True)
            values = self._weighted(x, y, seen["y_pred"], sample_weight)
            added = self._added()
            if added:
                values[_ADDED] = added[0]
            seen["total"] = sum(values.values())
            return {name: value * scale for name, value in values.items()}

        watched = watched_variables(self.trainable_variables)
        scaled, gradients = separate_gradients(losses, watched)
        values = {name: value / scale for name, value in scaled.items()}
        rows = {name: {at: one / scale for at, one in own.items()} for name, own in gradients.items()}
        combined = [None if one is None else one * scale for one in self._combined(values, rows, watched)]
        self.optimizer.apply_gradients(zip(combined, self.trainable_variables, strict=True))
        size = tf.shape(keras.tree.flatten(x)[0])[0]
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(seen["total"], sample_weight=size)
        return self.compute_metrics(x, y, seen["y_pred"], sample_weight)

    def _weighted(self, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> dict[str, tf.Tensor]:
        """{objective: its loss times its weight, []}."""
        values = self.objectives(x, y, y_pred, sample_weight)
        weights = compiled_weights(self)
        return {name: value * weights[name] if name in weights else value for name, value in values.items()}

    def _added(self) -> list[tf.Tensor]:
        """The sum of the losses that layers add, [] float32, as a list of one; empty if they add none."""
        added = [tf.reduce_sum(tf.cast(one, tf.float32)) for one in self.losses]
        return [tf.add_n(added)] if added else []

    def _combined(self, losses: Mapping, gradients: Mapping[str, Mapping], watched: Watched) -> list[tf.Tensor | None]:
        """The gradient of every variable; None where no loss reaches it.

        Args: losses: {objective: []}; gradients: {objective: {variable's name: gradient}}.
        """
        added = gradients.get(_ADDED, {})
        own = {name: reached for name, reached in gradients.items() if name != _ADDED}
        for name, reached in own.items():
            require_reach(name, reached, watched)
        shared = shared_variables(own, watched)
        on_shared = {name: reached for name, reached in own.items() if {*reached} & {*shared.names}}
        rows, combining = rows_from(losses, on_shared, shared), self._combining
        rule = combining.rule(rows.objectives)
        state = combining.state(rule, len(rows.objectives), len(rows.layers))
        before = tf.nest.map_structure(tf.convert_to_tensor, state)
        found = rows.combine(rule, state=before, seed=self._seed())
        tf.nest.map_structure(lambda variable, value: variable.assign(value), state, found.state)
        total = dict(zip(shared.names, found.gradient, strict=True))
        for reached in (*own.values(), added):
            private = {name: one for name, one in reached.items() if name not in shared.names or reached is added}
            total |= {name: total[name] + one if name in total else one for name, one in private.items()}
        return [total.get(name) for name in watched.names]

    def _seed(self) -> tf.Tensor:
        """The seed of the present step, [2] int."""
        return tf.stack([tf.constant(self._combining.seed, tf.int64), tf.cast(self.optimizer.iterations, tf.int64)])

    def get_compile_config(self) -> dict[str, Any]:
        """`keras.Model.get_compile_config`, with the combiner."""
        config = super().get_compile_config()
        return {**config, "combining": self._combining.to_config()} if config else config

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """`keras.Model.compile_from_config`, with the combiner."""
        combining = Combining.from_config(config["combining"])
        rest = {key: one for key, one in config.items() if key != "combining"}
        self.compile(**keras.saving.deserialize_keras_object(rest))
        self._combining = combining
        if self.built:
            self.optimizer.build(self.trainable_variables)


def _functional() -> type[keras.Model]:
    """Keras' class of functional models, which has no public name."""
    inputs = keras.Input((1,))
    return type(keras.Model(inputs, inputs))


@keras.saving.register_keras_serializable(package="tapestry", name="CombinedModel")
class FunctionalCombinedModel(CombinedModel, _functional()):
    """A `CombinedModel` of inputs and outputs; `CombinedModel(inputs, outputs)` returns one."""
