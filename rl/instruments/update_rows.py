"""The rows of one update: on the minibatch and parts of it, at live weights and at frozen copies, and its steps."""

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
from rl.updates.clipping import global_norm
from rl.vectors import flat

THROUGH_TARGET = "through_target"
"""The name of the extra row that holds the gradient through the successor's value, see `Evidence.one_step`."""


def stale_row(role: str, objective: str) -> str:
    """The name of the extra row that holds an objective's row at the weights of the frozen copy with this role."""
    return f"stale/{role}/{objective}"


class UpdateRows:
    """The rows of one minibatch's update, of one run; `Evidence` defines each field.

    An objective that reaches only heads has no row and is left out. L is the number of shared layers, m that of
    objectives with a row, e that of extra rows, and P the length of a row. With separate torsos a row lies on the
    objective's own torso, and the Gramian is empty.
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
            learner: with the hyperparameters of the state (`Learner.at`).
            state: before the iteration's learning; its copies and iteration are used.
            minibatch: the update and its arguments.
            num_samples: maximal number of samples whose rows are computed separately, ≥ 1.
            beside: names of extra rows after `EXTRA_ROWS`: `THROUGH_TARGET`, or from `stale_row`.
        """
        self._learner, self._state, self._minibatch, update = learner, state, minibatch, minibatch.update
        self._num_samples, self._rule, self._beside = num_samples, learner.rules[update.name], tuple(beside)
        self._network, self._shared = learner.model.network, learner.shared
        rows = rows_of(learner, minibatch)
        self.gradients = {name: onto_live(row) for name, row in rows.gradients.items()}
        """{objective: its gradient}, also of objectives that reach only heads; a part through copies is added."""
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
        """(direction, step) that the update proposes."""
        direction, step, _ = propose(self._learner, self._minibatch, self._state)
        return direction, step

    @cached_property
    def gramian(self) -> tf.Tensor:
        """[L, m + e, m + e] float64 over the rows and extra rows; an empty tensor if no weights are shared."""
        if not self._shared:
            return tf.zeros((0, 0, 0))
        return gramian([*self.rows.values(), *self.extra_rows.values()], self.places)

    @cached_property
    def extra_rows(self) -> dict[str, Row]:
        """{extra row: its vector on the shared weights}, in the order of the Gramian: `EXTRA_ROWS`, then `beside`."""
        direction, step = self._update
        trees = dict(zip(EXTRA_ROWS, (direction.gradient, step.clipped, step.delta), strict=True))
        return {**{name: self._row(tree) for name, tree in trees.items()}, **{x: self._extra(x) for x in self._beside}}

    def _extra(self, name: str) -> Row:
        """The extra row that a name in `beside` denotes."""
        if name == THROUGH_TARGET:
            return self.one_step[1]
        _, role, objective = name.split("/")
        return self.stale[role][objective]

    @cached_property
    def torso_norms(self) -> dict[str, tf.Tensor]:
        """{objective: norm of its raw row, []}."""
        return self._of_objectives(self.gradients, lambda gradient: global_norm(self._body(gradient)))

    @cached_property
    def halves(self) -> tuple[dict[str, Row], dict[str, Row]]:
        """{objective: raw row} on the even and on the odd samples; the last sample of an odd number is left out."""
        batch = self._minibatch.batch
        even = 2 * (_size(batch) // 2)
        # Alternate samples, since a minibatch that is the whole rollout is ordered by time.
        halves = [tf.nest.map_structure(lambda x, k=k: x[k:even:2], batch) for k in (0, 1)]
        return tuple(self._of_objectives(self._gradients_on(half), self._row) for half in halves)

    @cached_property
    def samples(self) -> dict[str, SampleRows]:
        """{objective: rows of n single samples [n, P]}, for objectives that are means over samples.

        The samples are evenly spaced in the minibatch; n is at most `num_samples`.
        """
        batch, number = self._minibatch.batch, min(self._num_samples, _size(self._minibatch.batch))
        means = {objective.name for objective in self._minibatch.update.objectives if objective.per_sample}

        def rows_of_sample(sample):
            """{objective: [P]} from one sample, by its index in the minibatch, []."""
            gradients = self._gradients_on(tf.nest.map_structure(lambda x: tf.gather(x, sample[None]), batch))
            own = self._of_objectives(gradients, lambda gradient: flat(self._body(gradient)))
            return {name: row for name, row in own.items() if name in means}

        chosen = tf.range(number) * (_size(batch) // number)
        rows = tf.vectorized_map(rows_of_sample, chosen, fallback_to_while_loop=False)
        valid, all_valid = tf.gather(batch.valid, chosen), tf.reduce_sum(batch.valid)
        return {
            name: SampleRows(own, valid, tf.square(self.torso_norms[name]), all_valid) for name, own in rows.items()
        }

    @cached_property
    def stale(self) -> dict[str, dict[str, Row]]:
        """{role: {objective: raw row at the frozen copy's weights, on this minibatch}}.

        Without the copies that the update's phase refreshes: at its anchor a divergence from it has no gradient.
        """
        learner, batch = self._learner, self._minibatch.batch
        refreshed = learner.refreshed_before(learner.phase_of(self._minibatch.update.name))
        copies = [(role, copy) for role, copy in self._state.frozen.items() if role not in refreshed]
        gradients = {role: self._gradients_on(batch, at=copy.weights) for role, copy in copies}
        return {role: self._of_objectives(own, self._row) for role, own in gradients.items()}

    @cached_property
    def one_step(self) -> tuple[Row, Row]:
        """The gradients of ½ δ² through v(s), the semi-gradient, and through the successor's v̄(s').

        v̄ is at the target copy's weights if there is one, otherwise at the live weights; the tape watches it as a
        separate role, so that the two gradients stay apart.
        """
        agent, live = self._learner.agent, self._minibatch.weights
        roles = {LIVE: live, "target": self._minibatch.roles.get("target", live)}
        parts = agent.one_step_reads(self._learner.model)
        reads = {"error": tuple(At(role, part) for role in roles for part in parts[role])}
        row = watched_rows(self._one_step_loss, roles, reads, watch=tuple(roles)).gradients["error"]
        return tuple(self._row({part: row[At(role, part)] for part in parts[role]}) for role in roles)

    def _one_step_loss(self, roles: Roles) -> tuple[dict[str, tf.Tensor], None]:
        """The mean of ½ δ² over the valid samples, as losses of `watched_rows`."""
        batch = self._minibatch.batch
        error = self._learner.agent.one_step_error(self._learner.model, roles, batch)
        return {"error": masked_mean(0.5 * tf.square(error), batch.valid)}, None

    def _gradients_on(self, batch, at: Weights | None = None) -> dict[str, Gradient]:
        """{objective: its gradient} on other samples, and at other weights if `at` is given."""
        minibatch = self._minibatch._replace(batch=batch)
        if at is not None:
            roles = {**minibatch.roles, LIVE: at}
            minibatch = minibatch._replace(roles=roles, update=minibatch.update._replace(at=LIVE))
        return {name: onto_live(row) for name, row in rows_of(self._learner, minibatch).gradients.items()}

    def _of_objectives(self, gradients: Mapping[str, Gradient], taken: Callable[[Gradient], Any]) -> dict[str, Any]:
        """Applies `taken` to the gradient of each objective that has a row."""
        return {name: taken(gradients[name]) for name in self.objectives}

    def _body(self, gradient: Gradient) -> Row:
        """The gradient's tensors on its whole route except heads."""
        return tuple(x for part, tensors in gradient.items() if part not in self._rule.heads for x in tensors)

    def _row(self, gradient: Gradient) -> Row:
        """The gradient as a row on the shared weights, 0 where it does not reach; `_body` if no weights are shared."""
        if not self._shared:
            return self._body(gradient)
        return shared_rows([gradient, self._minibatch.weights], self._shared)[0]


def _size(batch) -> int:
    """The number of samples in a batch."""
    return batch[0].shape[0]
