"""A Keras callback that logs the rows of a model's losses to the Gradients tab while `fit` trains it."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from rl.errors import require
from rl.library.checks import require_reach
from rl.library.gradient_log import GradientLog
from rl.library.keras_losses import compiled_weights, objectives_of
from rl.library.rows import rows_from, separate_gradients
from rl.library.watching import shared_variables, watched_variables


class RowsCallback(keras.callbacks.Callback):
    """Logs the rows of the losses of `compile`, one per output, on one batch of data; it changes nothing.

        model.fit(x, y, callbacks=[RowsCallback("runs/mine", (x[:256], y[:256]), every=50)])

    Rows are taken with respect to the trainable variables that at least two losses reach, layer by layer, of the raw
    losses: `loss_weights` go into the log as coefficients. The batch is the same every time, so that what changes is
    the model; `fit` does not show a callback its own batches. Trained weights are the same with and without it: the
    model runs in training mode, but on copies of its states (batch statistics, seeds of dropout, metrics).
    """

    def __init__(self, folder: str | Path, data: tuple, *, every: int = 100, resume: bool = False):
        """
        Args:
            folder: of the run; see `GradientLog`.
            data: (x, y) or (x, y, sample_weight), one batch as `Model.train_on_batch` takes it; or a `tf.data.Dataset`
                that yields batches, of which the first is taken.
            every: optimizer steps between two logged moments, ≥ 1; the first is before training.
            resume: whether the folder's log goes on, for a model whose optimizer was restored (`BackupAndRestore`):
                what the log has after the optimizer's step is dropped, since it comes again.
        Raises: ConfigError for data of another form, or an interval below 1.
        """
        super().__init__()
        require(isinstance(every, int) and every >= 1, f"every is {every!r}; it must be a positive number of steps.")
        data = next(iter(data)) if isinstance(data, tf.data.Dataset) else data
        require(
            isinstance(data, tuple) and len(data) in (2, 3),
            f"data is a {type(data).__name__}; it must be (x, y) or (x, y, sample_weight), one batch, or a "
            "tf.data.Dataset of such batches.",
        )
        self._folder, self._every, self._resume = folder, every, resume
        self._data = keras.tree.map_structure(tf.convert_to_tensor, data)
        self._log = self._layers = self._program = self._last = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Logs the rows before the first step; ConfigError if the losses share no trainable variable."""
        if not self.model.built:
            self.model(self._data[0], training=False)  # makes the variables
        self._program = tf.function(self._rows, autograph=False)
        self._write()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Logs the rows if it is time."""
        step = self._step()
        if self._last is None or step // self._every > self._last // self._every:
            self._write()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Hands the log to the operating system; a later `fit` goes on in it."""
        self._log.flush()

    def _step(self) -> int:
        """The number of steps that the optimizer has made."""
        return int(self.model.optimizer.iterations)

    def _write(self) -> None:
        """Writes the Gramians and losses at the present weights, unless the log has them already."""
        step = self._step()
        if step == self._last:
            return
        gramians, losses = self._program()
        if self._log is None:
            weights = compiled_weights(self.model)
            self._log = GradientLog(
                self._folder,
                objectives=list(losses),
                layers=self._layers,
                coefficients={name: weights[name] for name in losses if name in weights},
                resume_from=step if self._resume else None,
            )
        if step > self._log.last_gramian:
            self._log.write(
                step, gramian=np.asarray(gramians), losses={name: float(one) for name, one in losses.items()}
            )
        self._last = step

    def _rows(self) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """(Gramians [L, m, m], {objective: loss []}) at the present weights; nothing in the model changes."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(self._data)

        def losses():
            with keras.StatelessScope():
                return objectives_of(self.model, x, y, self.model(x, training=True), sample_weight)

        watched = watched_variables(self.model.trainable_variables)
        values, gradients = separate_gradients(losses, watched)
        for name, own in gradients.items():
            require_reach(name, own, watched)
        shared = shared_variables(gradients, watched)
        rows = rows_from(values, gradients, shared)
        sizes = [sum(int(np.prod(shared.variables[k].shape)) for k in places) for places in shared.layers.values()]
        self._layers = dict(zip(rows.layers, sizes, strict=True))
        return rows.gramians, rows.losses
