"""The update rule: combiner, clipping, optimizer and the assignment, in that order."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from rl.errors import require
from rl.frozen import refuse_frozen
from rl.gradients import LIVE, Objective, Roles, Rows, gramian, layers_of, onto_live, watched_rows
from rl.gradients.rows import Gradient, Losses, Weights
from rl.updates.clipping import clip_by_global_norm, clip_by_value, global_norm
from rl.updates.combiners import Combiner
from rl.updates.freezing import Freeze
from rl.updates.optimizers import Optimizer, Slots


class RuleState(NamedTuple):
    """What a rule remembers: the optimizer's slots and the combiner's state (one a layer with scope `layer`)."""

    slots: Slots
    combiner: Any


class Direction(NamedTuple):
    """A combined gradient. The last two are None where one backward pass through the total loss gave it.

    losses: {objective: []}; gradient mirrors the weights; gramian [L, k, k] float64 of the groups' rows and
    row_weights [L, k].
    """

    losses: dict[str, tf.Tensor]
    auxiliary: Any
    gradient: Gradient
    gramian: tf.Tensor | None
    row_weights: tf.Tensor | None


class Step(NamedTuple):
    """Δw and the way to it: clipped gradient, norm before clipping, the factor of the clipping, the torso's learning
    rate before the factors of `optimizer.rates`.
    """

    delta: Gradient
    clipped: Gradient
    norm: tf.Tensor
    clip_factor: tf.Tensor
    learning_rate: tf.Tensor


class UpdateRule:
    """How the objectives of one update move the weights.

    With A[g, i] = c_i for objective i in group g, the rows that a combiner sees are those of A J: a group's row is the
    gradient of Σ_i c_i L_i. The shared weights take Σ_g w_g row_g; a head takes the sum of its own gradients,
    uncombined.
    """

    def __init__(
        self,
        *,
        objectives: Sequence[Objective],
        groups: Mapping[str, Sequence[str]],
        names: Mapping[str, tuple[str, ...]],
        shared: Sequence[str],
        heads: Sequence[str],
        combiner: Combiner,
        optimizer: Optimizer,
        always_rows: bool = False,
        freeze: Freeze | None = None,
    ):
        """
        Args:
            objectives: with coefficients and the parts that each reads.
            groups: {group: its objectives}; every objective in exactly one.
            names: {part: names of its weights} of the network.
            shared: the parts that several heads share.
            heads: the parts that take `head_learning_rate`; the optimizer's `rates` multiply it.
            always_rows: take rows even where one backward pass gives the same step.
            freeze: weights that it leaves alone; None leaves none alone.
        Raises: ConfigError where the groups do not partition the objectives, or a pattern of `optimizer.rates` matches
            no part.
        """
        self.objectives = {objective.name: objective for objective in objectives}
        self.groups = _partition(groups, self.objectives)
        self.reads = {
            group: tuple(dict.fromkeys(place for name in members for place in self.objectives[name].places))
            for group, members in self.groups.items()
        }
        self.sums = {
            group: {name: self.objectives[name].coefficient for name in members}
            for group, members in self.groups.items()
        }
        """{group: {objective: coefficient}}: the loss whose gradient is the group's row."""
        read = {place.part for places in self.reads.values() for place in places}
        self.parts = tuple(part for part in names if part in read)
        self.shared = tuple(part for part in shared if part in self.parts)
        self.names = {part: names[part] for part in self.parts}
        self.layers = layers_of([name for part in self.shared for name in names[part]])
        self.heads = tuple(heads)
        self.combiner, self.optimizer = combiner, optimizer
        self._factors = optimizer.factors(names)
        self.takes_rows = bool(self.shared) and (always_rows or not combiner.is_sum)
        self._freeze = freeze if freeze and freeze.patterns else None
        self._frozen = self._freeze.mask(names) if self._freeze else {}
        self.combiner.init(len(self.groups))

    def init(self, weights: Weights) -> RuleState:
        """The state before the first update."""
        state = self.combiner.init(len(self.groups))
        if self.combiner.scope == "layer":
            state = tuple(state for _ in self.layers)
        return RuleState(self.optimizer.init(self._flat(weights)), state)

    def rows(self, losses: Losses, roles: Roles, *, watch: Collection[str] = (LIVE,)) -> Rows:
        """One row a group at the weights `roles["live"]`; one row of the total loss where that gives the same step.

        Args:
            losses: of the objectives, as `watched_rows` takes them.
            roles: {role: weights}; parts that no objective reads are left alone.
            watch: the roles that gradients are taken with respect to.
        Raises: LeakError where an objective reaches a part that it is not declared to read, or does not reach one that
            it is.
        """
        if self.takes_rows:
            return watched_rows(losses, roles, self.reads, watch=watch, sums=self.sums, names=self.names)
        reads = {"total": tuple(place for places in self.reads.values() for place in places)}
        total = {"total": {name: c for members in self.sums.values() for name, c in members.items()}}
        return watched_rows(losses, roles, reads, watch=watch, sums=total, names=self.names)

    def combine(self, rows: Rows, state: RuleState, seed: tf.Tensor) -> tuple[Direction, RuleState]:
        """The combined gradient. That with respect to a frozen copy's part is added to that of the live part.

        Args:
            rows: as `rows` gave them.
            seed: [2] int, for combiners that draw an order.
        """
        gradients = [self._without_frozen(onto_live(row)) for row in rows.gradients.values()]
        if not self.takes_rows:
            return Direction(rows.losses, rows.auxiliary, gradients[0], None, None), state
        shared_rows = [self.shared_row(row) for row in gradients]
        matrix = gramian(shared_rows, self.layers)
        row_weights, combiner_state = self._weights(matrix, tf.stack(list(rows.sums.values())), state.combiner, seed)
        gradient = self._unflatten_shared(self._combine(shared_rows, row_weights))
        for part in self.parts:
            if part not in self.shared:
                own = [row[part] for row in gradients if part in row]
                gradient[part] = tuple(tf.add_n(tensors) for tensors in zip(*own, strict=True))
        direction = Direction(rows.losses, rows.auxiliary, gradient, matrix, row_weights)
        return direction, state._replace(combiner=combiner_state)

    def step(
        self, gradient: Gradient, weights: Weights, state: RuleState, progress: tf.Tensor
    ) -> tuple[Step, RuleState]:
        """Clips the gradient and makes a step of it; nothing is assigned.

        Args:
            gradient: as `combine` gave it.
            weights: the live weights.
            progress: share of the training that is done, [] float32.
        """
        raw = self._flat(gradient)
        clipped = clip_by_value(raw, clip_value=self.optimizer.clip_value)
        clipped, norm, factor = clip_by_global_norm(clipped, clip_norm=self.optimizer.clip_norm)
        if self.optimizer.clip_value is not None:
            norm = global_norm(raw)  # an infinite entry, cut to size, must not pass unseen
        torso_rate, head_rate = self.optimizer.learning_rates(progress)
        rates = self._by_weight(torso_rate, head_rate)
        steps, slots = self.optimizer.update(clipped, state.slots, self._flat(weights), rates)
        delta = self._without_frozen(self._unflatten(steps))
        step = Step(delta, self._unflatten(clipped), norm, factor, torso_rate)
        return step, state._replace(slots=self._slots(slots, state.slots))

    def _without_frozen(self, gradient: Gradient) -> Gradient:
        """The gradient or step with zeros for frozen weights."""
        if self._freeze is None:
            return gradient
        return {
            part: tuple(
                self._freeze.zeroed(x) if frozen else x for x, frozen in zip(tensors, self._frozen[part], strict=True)
            )
            for part, tensors in gradient.items()
        }

    def _slots(self, new: Slots, old: Slots) -> Slots:
        """The new slots, those of frozen weights as they were."""
        if self._freeze is None:
            return new
        frozen = self._flat(self._frozen)

        def of_field(after, before):
            if not isinstance(after, tuple):
                return after
            return tuple(
                self._freeze.kept(x, y) if is_frozen else x
                for x, y, is_frozen in zip(after, before, frozen, strict=True)
            )

        return type(new)(*(of_field(*pair) for pair in zip(new, old, strict=True)))

    def shared_row(self, gradient: Gradient) -> tuple[tf.Tensor, ...]:
        """A gradient's tensors on the shared weights."""
        return tuple(tensor for part in self.shared for tensor in gradient[part])

    def _by_weight(self, torso_rate: tf.Tensor, head_rate: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """A learning rate for every weight: its part's, times the factor of `optimizer.rates`."""
        own = ((head_rate if part in self.heads else torso_rate, self._factors[part]) for part in self.parts)
        scaled = bool(self.optimizer.rates)
        return tuple(rate * factor if scaled else rate for rate, factors in own for factor in factors)

    def _weights(self, matrix: tf.Tensor, losses: tf.Tensor, state: Any, seed: tf.Tensor) -> tuple[tf.Tensor, Any]:
        """Row weights [L, k] from the layers' Gramians."""
        if self.combiner.scope == "global":
            weights, state = self.combiner.weights(tf.reduce_sum(matrix, 0), losses, state, seed)
            return tf.repeat(tf.cast(weights, losses.dtype)[None], matrix.shape[0], 0), state
        by_layer, states = [], []
        for layer in range(matrix.shape[0]):
            weights, one = self.combiner.weights(matrix[layer], losses, state[layer], seed)
            by_layer.append(tf.cast(weights, losses.dtype))
            states.append(one)
        return tf.stack(by_layer), tuple(states)

    def _combine(self, rows: Sequence[Sequence[tf.Tensor]], weights: tf.Tensor) -> list[tf.Tensor]:
        combined = [None] * len(rows[0])
        for layer, places in enumerate(self.layers.values()):
            for place in places:
                combined[place] = tf.add_n([weights[layer, g] * row[place] for g, row in enumerate(rows)])
        return combined

    def _flat(self, tree: Mapping[str, Iterable]) -> tuple:
        return tuple(tensor for part in self.parts for tensor in tree[part])

    def _unflatten(self, tensors: Sequence[tf.Tensor]) -> Gradient:
        tensors = iter(tensors)
        return {part: tuple(next(tensors) for _ in self.names[part]) for part in self.parts}

    def _unflatten_shared(self, tensors: Sequence[tf.Tensor]) -> Gradient:
        tensors = iter(tensors)
        return {part: tuple(next(tensors) for _ in self.names[part]) for part in self.shared}


def apply_step(targets: Mapping[str, Sequence[tf.Variable]], delta: Gradient) -> None:
    """w ← w + Δw on live variables.

    Raises: ValueError, by name, where a target is a frozen copy's variable.
    """
    refuse_frozen(variable for part in delta for variable in targets[part])
    for part, steps in delta.items():
        for variable, step in zip(targets[part], steps, strict=True):
            variable.assign_add(step)


def _partition(groups: Mapping[str, Sequence[str]], objectives: Mapping[str, Objective]) -> dict[str, tuple[str, ...]]:
    members = [name for group in groups.values() for name in group]
    require(
        sorted(members) == sorted(objectives) and all(groups.values()),
        f"agent.groups is { ({g: list(n) for g, n in groups.items()}) }; every objective of {sorted(objectives)} "
        "must be in exactly one group, and no group empty.",
    )
    return {group: tuple(names) for group, names in groups.items()}
