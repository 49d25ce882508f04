"""One update of a phase, taken apart for the probes."""

from collections.abc import Callable, Collection, Mapping
from functools import cached_property

import tensorflow as tf

from rl.agents import Phase
from rl.estimators import masked_mean
from rl.frozen import drift
from rl.gradients import gramian, layers_of, onto_live, watched_rows
from rl.gradients.gramian import Row
from rl.gradients.probes.evidence import Change, CopyDrift, Evidence, SampleRows
from rl.gradients.rows import Gradient, Rows, Weights
from rl.learning.learner import Learner
from rl.learning.minibatch import Minibatch, watched
from rl.learning.state import TrainState
from rl.updates.clipping import global_norm

THROUGH_TARGET = "through_target"


def stale_row(role: str, objective: str) -> str:
    """The name of an objective's row at a frozen copy's weights, as an extra row of the Gramian."""
    return f"stale/{role}/{objective}"


class UpdateEvidence(Evidence):
    """The evidence of one minibatch's update; see `Evidence` for what each of it is.

    An objective that moves no more than a head has no row, and is left out.
    """

    def __init__(
        self,
        learner: Learner,
        phase: Phase,
        state: TrainState,
        minibatch: Minibatch,
        *,
        num_samples: int,
        beside: Collection[str] = (),
    ):
        """
        Args:
            state: before the iteration.
            num_samples: at most so many samples get rows of their own.
            beside: extra rows of the Gramian besides those that it always has, `THROUGH_TARGET` or of `stale_row`.
        """
        self._learner, self._phase, self._state, self._minibatch = learner, phase, state, minibatch
        self._num_samples, self._rule, self._beside = num_samples, learner.rules[phase.name], tuple(beside)
        self._network, self._heads = learner.model.network, set(self._rule.heads)
        rows = rows_of(learner, phase, minibatch)
        self.gradients = {name: onto_live(row) for name, row in rows.gradients.items()}
        """{objective: its gradient}, those of heads' own objectives included."""
        self.objectives = tuple(name for name, row in self.gradients.items() if set(row) - self._heads)
        coefficients = {objective.name: objective.coefficient for objective in phase.objectives}
        self.coefficients = tf.stack([tf.cast(coefficients[name], tf.float64) for name in self.objectives])
        self.layers, self.places = tuple(self._rule.layers), dict(self._rule.layers)
        self.rows = {name: self._body(self.gradients[name]) for name in self.objectives}
        shapes = [tensor.shape for tensor in self.rows[self.objectives[0]]]
        self.sizes = tuple(sum(shapes[place].num_elements() for place in places) for places in self.places.values())

    @cached_property
    def _update(self):
        direction, step, _ = self._learner.update(self._phase, self._minibatch, self._learner.progress(self._state))
        return direction, step

    @cached_property
    def gramian(self) -> tf.Tensor:
        """[L, m + e, m + e]."""
        if not self._rule.shared:
            return tf.zeros((0, 0, 0))
        direction, step = self._update
        extra = [self._rule.shared_row(tree) for tree in (direction.gradient, step.clipped, step.delta)]
        return gramian([*self.rows.values(), *extra, *map(self._extra_row, self._beside)], self._rule.layers)

    def _extra_row(self, name: str) -> Row:
        if name == THROUGH_TARGET:
            return self.one_step[1]
        _, role, objective = name.split("/")
        return self.stale[role][objective]

    @cached_property
    def torso_norms(self) -> dict[str, tf.Tensor]:
        """{objective: norm}."""
        return {name: global_norm(row) for name, row in self.rows.items()}

    @cached_property
    def head_norms(self) -> dict[str, tf.Tensor]:
        """{head: norm}."""
        gradient = self._update[0].gradient
        return {part: global_norm(gradient[part]) for part in self._rule.heads if part in gradient}

    @cached_property
    def weight_norms(self) -> dict[str, tf.Tensor]:
        """{layer: norm}."""
        return _layer_norms(self._minibatch.weights, self._rule.names)

    @cached_property
    def step_norms(self) -> dict[str, tf.Tensor]:
        """{layer: norm}."""
        return _layer_norms(self._update[1].delta, self._rule.names)

    @cached_property
    def copies(self) -> dict[str, CopyDrift]:
        """{role: drift}."""
        model, agent, observation = self._learner.model, self._learner.agent, self._minibatch.batch.observation
        live, copies = agent.policy(model, self._state.weights, observation), {}
        for role, copy in self._state.frozen.items():
            kl = model.distribution.kl(agent.policy(model, copy.weights, observation), live)
            copies[role] = CopyDrift(copy.age, drift(self._state.weights, copy.weights), tf.reduce_mean(kl))
        return copies

    @cached_property
    def kernels(self) -> dict[str, tf.Tensor]:
        """{layer: [inputs, units]}."""
        return {
            name.rsplit("/", 1)[0]: tensor
            for part, names in self._rule.names.items()
            for name, tensor in zip(names, self._minibatch.weights[part], strict=True)
            if len(tensor.shape) == 2
        }

    @cached_property
    def activations(self) -> dict[str, tf.Tensor]:
        """{layer: [B, ..., units]}."""
        return self._network.activations(self._minibatch.weights, self._minibatch.batch.observation)

    @cached_property
    def features(self) -> dict[str, tf.Tensor]:
        """{part: [B, F]}."""
        last = {layer.split("/")[0]: hidden for layer, hidden in self.activations.items()}
        return {part: tf.reshape(hidden, (hidden.shape[0], -1)) for part, hidden in last.items()}

    @cached_property
    def feature_gradients(self) -> dict[str, tf.Tensor]:
        """{objective: [B, F]}."""
        losses, weights = watched(self._phase, self._minibatch)
        nudges = {f"{part}/output": (tf.zeros_like(hidden),) for part, hidden in self.features.items()}
        reads = {
            objective.name: tuple(f"{part}/output" for part in objective.reads if f"{part}/output" in nudges)
            for objective in self._phase.objectives
        }
        rows = watched_rows(lambda nudges: losses({**weights, **nudges}), nudges, reads).gradients
        return {name: next(iter(rows[name].values()))[0] for name in self.objectives}

    @cached_property
    def halves(self) -> tuple[dict[str, Row], dict[str, Row]]:
        """Two of {objective: row}."""
        batch = self._minibatch.batch
        even = 2 * (_size(batch) // 2)
        # Every other sample: a minibatch that is the whole rollout is ordered by time.
        return tuple(self._rows_on(tf.nest.map_structure(lambda x, k=k: x[k:even:2], batch)) for k in (0, 1))

    @cached_property
    def samples(self) -> dict[str, SampleRows]:
        """{objective: rows [n, P]}."""
        batch, number = self._minibatch.batch, min(self._num_samples, _size(self._minibatch.batch))

        def of_one(sample):
            own = self._rows_on(tf.nest.map_structure(lambda x: tf.gather(x, sample[None]), batch))
            return {name: _flat(row) for name, row in own.items()}

        chosen = tf.range(number) * (_size(batch) // number)
        rows = tf.vectorized_map(of_one, chosen, fallback_to_while_loop=False)
        valid, all_valid = tf.gather(batch.valid, chosen), tf.reduce_sum(batch.valid)
        return {
            name: SampleRows(own, valid, tf.square(self.torso_norms[name]), all_valid) for name, own in rows.items()
        }

    @cached_property
    def stale(self) -> dict[str, dict[str, Row]]:
        """{role: {objective: row}}."""
        frozen = self._state.frozen
        return {role: self._rows_on(self._minibatch.batch, at=copy.weights) for role, copy in frozen.items()}

    @cached_property
    def one_step(self) -> tuple[Row, Row]:
        """The semi-gradient, and that through the successor."""
        batch, live, frozen = self._minibatch.batch, self._minibatch.weights, self._minibatch.frozen
        copy = frozen["target"].weights if "target" in frozen else live
        parts = self._network.reads["value"]

        def losses(weights: Weights):
            return {"error": self._one_step_loss(weights, batch)}, None

        both = {part: live[part] for part in parts}
        both |= {f"beyond/{part}": tuple(map(tf.identity, copy[part])) for part in parts}
        row = watched_rows(losses, both, {"error": tuple(both)}).gradients["error"]
        beyond = {part.split("/")[1]: tensors for part, tensors in row.items() if "/" in part}
        return self._body({part: row[part] for part in parts}), self._body(beyond)

    def _one_step_loss(self, weights: Weights, batch) -> tf.Tensor:
        def value(own: Weights, observation: tf.Tensor) -> tf.Tensor:
            return self._network.apply(own, observation, ("value",))["value"][:, 0]

        beyond = {part.split("/")[1]: tensors for part, tensors in weights.items() if "/" in part}
        error = batch.reward + batch.discount * value(beyond, batch.next_observation)
        error -= value(weights, batch.observation)
        return masked_mean(0.5 * tf.square(error), batch.valid)

    @cached_property
    def changes(self) -> dict[str, Change]:
        """{objective: change}."""
        delta = self._update[1].delta
        before, whole = self._losses_after({}), self._losses_after(delta)
        shared = self._losses_after({part: delta[part] for part in self._rule.shared})
        return {name: Change(shared[name] - before[name], whole[name] - before[name]) for name in before}

    @cached_property
    def curvatures(self) -> dict[str, tf.Tensor]:
        """{objective: uᵀHu}."""
        delta = self._update[1].delta
        size = global_norm(tuple(tensor for tensors in delta.values() for tensor in tensors))
        unit = {part: tuple(tf.math.divide_no_nan(x, size) for x in tensors) for part, tensors in delta.items()}
        return second_derivatives(lambda length: self._losses_after(unit, length))

    def _losses_after(self, step: Gradient, length: tf.Tensor | float = 1.0) -> dict[str, tf.Tensor]:
        """The losses on the minibatch so far along a step."""
        moved = {
            part: tuple(w + length * d for w, d in zip(tensors, step[part], strict=True)) if part in step else tensors
            for part, tensors in self._minibatch.weights.items()
        }
        return self._phase.losses(moved, self._minibatch.frozen, self._minibatch.batch)[0]

    def _rows_on(self, batch, at: Weights | None = None) -> dict[str, Row]:
        """{objective: its raw row} on other samples, or at other weights."""
        minibatch, phase = self._minibatch._replace(batch=batch), self._phase
        if at is not None:
            minibatch, phase = minibatch._replace(weights=at), phase._replace(differentiate_at="live")
        gradients = rows_of(self._learner, phase, minibatch).gradients
        return {name: self._body(onto_live(gradients[name])) for name in self.objectives}

    def _body(self, gradient: Mapping[str, Row]) -> Row:
        """A gradient's tensors on all of its route but the head."""
        return tuple(tensor for part, tensors in gradient.items() if part not in self._heads for tensor in tensors)


def rows_of(learner: Learner, phase: Phase, minibatch: Minibatch) -> Rows:
    """The raw row and head gradients of every objective of a phase, without coefficients."""
    losses, weights = watched(phase, minibatch)
    reads = {objective.name: objective.reads for objective in phase.objectives}
    return watched_rows(losses, weights, reads, learner.names(weights))


def second_derivatives(numbers: Callable[[tf.Tensor], dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
    """{name: d²f/dx² at 0} of functions of one number x, [] float32 each."""
    zero = tf.zeros(())
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as outer:
        outer.watch(zero)
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as inner:
            inner.watch(zero)
            values = numbers(zero)
        slopes = {name: inner.gradient(value, zero) for name, value in values.items()}
    return {name: outer.gradient(slope, zero, unconnected_gradients="zero") for name, slope in slopes.items()}


def _size(batch) -> int:
    return batch[0].shape[0]


def _flat(row: Row) -> tf.Tensor:
    return tf.concat([tf.reshape(tensor, (-1,)) for tensor in row], 0)


def _layer_norms(tree: Mapping[str, Row], names: Mapping[str, tuple[str, ...]]) -> dict[str, tf.Tensor]:
    return {
        layer: global_norm(tuple(tree[part][place] for place in places))
        for part in names
        for layer, places in layers_of(names[part]).items()
    }
