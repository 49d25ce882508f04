"""The rows of one update, on the whole minibatch and on parts of it, at live weights and at copies; and its steps."""

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any

import tensorflow as tf

from rl.agents import LIVE, Roles
from rl.estimators import masked_mean
from rl.gradients import At, gramian, layers_of, onto_live, shared_rows, watched_rows
from rl.gradients.gramian import Row
from rl.gradients.probes.evidence import EXTRA_ROWS, SampleRows
from rl.gradients.rows import Gradient, Weights
from rl.instruments.replay import propose, rows_of
from rl.learning.learner import Learner
from rl.learning.minibatch import Minibatch
from rl.learning.state import TrainState
from rl.networks import OBSERVATION
from rl.updates.clipping import global_norm
from rl.vectors import flat

THROUGH_TARGET = "through_target"


def stale_row(role: str, objective: str) -> str:
    """The name of an objective's row at a frozen copy's weights, as an extra row of the Gramian."""
    return f"stale/{role}/{objective}"


class UpdateRows:
    """The rows of one minibatch's update; see `Evidence` for what each of it is.

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
        self._network, self._shared = learner.model.network, learner.shared
        rows = rows_of(learner, minibatch)
        self.gradients = {name: onto_live(row) for name, row in rows.gradients.items()}
        """{objective: its gradient}, those of heads' own objectives included."""
        self.objectives = tuple(name for name, row in self.gradients.items() if set(row) - {*self._rule.heads})
        coefficients = {objective.name: objective.coefficient for objective in update.objectives}
        own = [tf.cast(coefficients[name], tf.float64) for name in self.objectives]
        self.coefficients = tf.stack(own) if own else tf.zeros(0, tf.float64)
        self.places = layers_of([name for part in self._shared for name in self._network.names[part]])
        self.layers, numbers = tuple(self.places), [n for part in self._shared for n in self._network.sizes[part]]
        self.sizes = tuple(sum(numbers[place] for place in places) for places in self.places.values())
        self.rows = self._of_objectives(self.gradients, self._row)

    @cached_property
    def _update(self):
        direction, step, _ = propose(self._learner, self._minibatch, self._state)
        return direction, step

    @cached_property
    def gramian(self) -> tf.Tensor:
        """[L, m + e, m + e]."""
        if not self._shared:
            return tf.zeros((0, 0, 0))
        return gramian([*self.rows.values(), *self.extra_rows.values()], self.places)

    @cached_property
    def extra_rows(self) -> dict[str, Row]:
        """{extra row: its vector}, in the order of the Gramian."""
        direction, step = self._update
        trees = dict(zip(EXTRA_ROWS, (direction.gradient, step.clipped, step.delta), strict=True))
        return {**{name: self._row(tree) for name, tree in trees.items()}, **{x: self._extra(x) for x in self._beside}}

    def _extra(self, name: str) -> Row:
        if name == THROUGH_TARGET:
            return self.one_step[1]
        _, role, objective = name.split("/")
        return self.stale[role][objective]

    @cached_property
    def torso_norms(self) -> dict[str, tf.Tensor]:
        """{objective: norm}."""
        return self._of_objectives(self.gradients, lambda gradient: global_norm(self._body(gradient)))

    @cached_property
    def halves(self) -> tuple[dict[str, Row], dict[str, Row]]:
        """Two of {objective: row}."""
        batch = self._minibatch.batch
        even = 2 * (_size(batch) // 2)
        # Every other sample: a minibatch that is the whole rollout is ordered by time.
        halves = [tf.nest.map_structure(lambda x, k=k: x[k:even:2], batch) for k in (0, 1)]
        return tuple(self._of_objectives(self._gradients_on(half), self._row) for half in halves)

    @cached_property
    def samples(self) -> dict[str, SampleRows]:
        """{objective: rows [n, P]}, of the objectives that are means over samples."""
        batch, number = self._minibatch.batch, min(self._num_samples, _size(self._minibatch.batch))
        means = {objective.name for objective in self._minibatch.update.objectives if objective.per_sample}

        def of_one(sample):
            gradients = self._gradients_on(tf.nest.map_structure(lambda x: tf.gather(x, sample[None]), batch))
            own = self._of_objectives(gradients, lambda gradient: flat(self._body(gradient)))
            return {name: row for name, row in own.items() if name in means}

        chosen = tf.range(number) * (_size(batch) // number)
        rows = tf.vectorized_map(of_one, chosen, fallback_to_while_loop=False)
        valid, all_valid = tf.gather(batch.valid, chosen), tf.reduce_sum(batch.valid)
        return {
            name: SampleRows(own, valid, tf.square(self.torso_norms[name]), all_valid) for name, own in rows.items()
        }

    @cached_property
    def stale(self) -> dict[str, dict[str, Row]]:
        """{role: {objective: row}}."""
        batch, copies = self._minibatch.batch, self._state.frozen.items()
        gradients = {role: self._gradients_on(batch, at=copy.weights) for role, copy in copies}
        return {role: self._of_objectives(own, self._row) for role, own in gradients.items()}

    @cached_property
    def one_step(self) -> tuple[Row, Row]:
        """The semi-gradient, and that through the successor."""
        live, parts = self._minibatch.weights, self._network.reads["value"]
        roles = {LIVE: live, "beyond": self._minibatch.roles.get("target", live)}
        roles = {role: {part: weights[part] for part in parts} for role, weights in roles.items()}
        reads = {"error": tuple(At(role, part) for role in roles for part in parts)}
        row = watched_rows(self._one_step_loss, roles, reads, watch=tuple(roles)).gradients["error"]
        return tuple(self._row({part: row[At(role, part)] for part in parts}) for role in roles)

    def _one_step_loss(self, roles: Roles) -> tuple[dict[str, tf.Tensor], None]:
        batch = self._minibatch.batch

        def value(weights: Weights, observation: tf.Tensor) -> tf.Tensor:
            return self._network.apply(weights, {OBSERVATION: observation}, ("value",))["value"][:, 0]

        error = batch.reward + batch.discount * value(roles["beyond"], batch.next_observation)
        error -= value(roles[LIVE], batch.observation)
        return {"error": masked_mean(0.5 * tf.square(error), batch.valid)}, None

    def _gradients_on(self, batch, at: Weights | None = None) -> dict[str, Gradient]:
        """{objective: its gradient} on other samples, or at other weights."""
        minibatch = self._minibatch._replace(batch=batch)
        if at is not None:
            roles = {**minibatch.roles, LIVE: at}
            minibatch = minibatch._replace(roles=roles, update=minibatch.update._replace(at=LIVE))
        return {name: onto_live(row) for name, row in rows_of(self._learner, minibatch).gradients.items()}

    def _of_objectives(self, gradients: Mapping[str, Gradient], taken: Callable[[Gradient], Any]) -> dict[str, Any]:
        """{objective: what is taken of its gradient}, of those that have a row."""
        return {name: taken(gradients[name]) for name in self.objectives}

    def _body(self, gradient: Gradient) -> Row:
        """A gradient's tensors on all of its route but the head."""
        return tuple(x for part, tensors in gradient.items() if part not in self._rule.heads for x in tensors)

    def _row(self, gradient: Gradient) -> Row:
        """A gradient's tensors on the shared weights, 0 where it does not reach them; nothing shared: on its route."""
        if not self._shared:
            return self._body(gradient)
        return shared_rows([gradient, self._minibatch.weights], self._shared)[0]


def _size(batch) -> int:
    return batch[0].shape[0]
