"""One update, taken apart for the probes."""

from collections.abc import Collection, Mapping
from functools import cached_property

import tensorflow as tf

from rl.agents import LIVE, Roles
from rl.estimators import masked_mean
from rl.frozen import drift
from rl.gradients import At, gramian, layers_of, onto_live, watched_rows
from rl.gradients.gramian import Row
from rl.gradients.probes.evidence import Change, CopyDrift, Evidence, SampleRows
from rl.gradients.rows import Gradient, Weights
from rl.gradients.second_derivatives import second_derivatives
from rl.instruments.replay import propose, rows_of
from rl.learning.learner import Learner
from rl.learning.minibatch import Minibatch
from rl.learning.state import TrainState
from rl.networks import OBSERVATION, Output
from rl.updates.clipping import global_norm
from rl.vectors import flat, moved

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
        self._learner, self._state, self._minibatch, update = learner, state, minibatch, minibatch.update
        self._num_samples, self._rule, self._beside = num_samples, learner.rules[update.name], tuple(beside)
        self._network, self._heads = learner.model.network, set(self._rule.heads)
        rows = rows_of(learner, minibatch)
        self.gradients = {name: onto_live(row) for name, row in rows.gradients.items()}
        """{objective: its gradient}, those of heads' own objectives included."""
        self.objectives = tuple(name for name, row in self.gradients.items() if set(row) - self._heads)
        coefficients = {objective.name: objective.coefficient for objective in update.objectives}
        self.coefficients = tf.stack([tf.cast(coefficients[name], tf.float64) for name in self.objectives])
        self.layers, self.places = tuple(self._rule.layers), dict(self._rule.layers)
        self.rows = {name: self._body(self.gradients[name]) for name in self.objectives}
        shapes = [tensor.shape for tensor in self.rows[self.objectives[0]]]
        self.sizes = tuple(sum(shapes[place].num_elements() for place in places) for places in self.places.values())

    @cached_property
    def _update(self):
        direction, step, _ = propose(self._learner, self._minibatch, self._state)
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
        return self._network.activations(self._minibatch.weights, {OBSERVATION: self._minibatch.batch.observation})

    @cached_property
    def features(self) -> dict[str, tf.Tensor]:
        """{part: [B, F]}."""
        last = {layer.split("/")[0]: hidden for layer, hidden in self.activations.items()}
        return {part: tf.reshape(hidden, (hidden.shape[0], -1)) for part, hidden in last.items()}

    @cached_property
    def feature_gradients(self) -> dict[str, tf.Tensor]:
        """{objective: [B, F]}."""
        losses, roles = self._minibatch.losses, self._minibatch.seen
        nudges = {Output(part): (tf.zeros_like(hidden),) for part, hidden in self.features.items()}
        reads = {
            objective.name: tuple(At(LIVE, Output(part)) for part in objective.reads[LIVE] if Output(part) in nudges)
            for objective in self._minibatch.update.objectives
        }

        def nudged(seen: Roles):
            return losses({**roles, LIVE: {**roles[LIVE], **seen[LIVE]}})

        rows = watched_rows(nudged, {LIVE: nudges}, reads).gradients
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
            return {name: flat(row) for name, row in own.items()}

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
        live, parts = self._minibatch.weights, self._network.reads["value"]
        roles = {LIVE: live, "beyond": self._minibatch.roles.get("target", live)}
        roles = {role: {part: weights[part] for part in parts} for role, weights in roles.items()}
        reads = {"error": tuple(At(role, part) for role in roles for part in parts)}
        row = watched_rows(self._one_step_loss, roles, reads, watch=tuple(roles)).gradients["error"]
        return tuple(self._body({part: row[At(role, part)] for part in parts}) for role in roles)

    def _one_step_loss(self, roles: Roles) -> tuple[dict[str, tf.Tensor], None]:
        batch = self._minibatch.batch

        def value(weights: Weights, observation: tf.Tensor) -> tf.Tensor:
            return self._network.apply(weights, {OBSERVATION: observation}, ("value",))["value"][:, 0]

        error = batch.reward + batch.discount * value(roles["beyond"], batch.next_observation)
        error -= value(roles[LIVE], batch.observation)
        return {"error": masked_mean(0.5 * tf.square(error), batch.valid)}, None

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

    def _losses_after(self, step: Gradient, length: tf.Tensor | float | None = None) -> dict[str, tf.Tensor]:
        """The losses on the minibatch so far along a step."""
        roles = {**self._minibatch.roles, LIVE: moved(self._minibatch.weights, step, length)}
        return self._minibatch.losses(roles)[0]

    def _rows_on(self, batch, at: Weights | None = None) -> dict[str, Row]:
        """{objective: its raw row} on other samples, or at other weights."""
        minibatch = self._minibatch._replace(batch=batch)
        if at is not None:
            roles = {**minibatch.roles, LIVE: at}
            minibatch = minibatch._replace(roles=roles, update=minibatch.update._replace(at=LIVE))
        gradients = rows_of(self._learner, minibatch).gradients
        return {name: self._body(onto_live(gradients[name])) for name in self.objectives}

    def _body(self, gradient: Mapping[str, Row]) -> Row:
        """A gradient's tensors on all of its route but the head."""
        return tuple(tensor for part, tensors in gradient.items() if part not in self._heads for tensor in tensors)


def _size(batch) -> int:
    return batch[0].shape[0]


def _layer_norms(tree: Mapping[str, Row], names: Mapping[str, tuple[str, ...]]) -> dict[str, tf.Tensor]:
    return {
        layer: global_norm(tuple(tree[part][place] for place in places))
        for part in names
        for layer, places in layers_of(names[part]).items()
    }
