"""The update rule: from rows to a step by combiner, clipping and optimizer, in that order."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from rl.errors import require
from rl.gradients import Objective, Rows, gramian, layers_of, onto_live, shared_parts, shared_rows
from rl.gradients.rows import Gradient, Weights
from rl.updates.clipping import clip_by_global_norm, clip_by_value, global_norm
from rl.updates.combiners import Combiner
from rl.updates.combining import initial_state, row_weights, weighted_sum
from rl.updates.freezing import Freeze
from rl.updates.optimizers import Optimizer, Slots
from rl.updates.steps import Direction, RuleState, Step


class UpdateRule:
    """Turns the rows of one update's objectives into a step of the weights: combiner, clipping, optimizer.

    With A[g, i] = c_i for objective i in group g, the combiner sees the Gramian of the rows A J: a group's row is the
    gradient of Σ_i c_i L_i. It returns one weight w_g per row, and the gradient is

    shared weights: Σ_g w_g row_g    a head: Σ_i c_i ∂L_i/∂w, the sum of its own gradients, uncombined

    With w = 1 for every row this is the gradient of the usual total loss. All methods are pure: only `apply_step`
    assigns weights.
    """

    def __init__(
        self,
        *,
        objectives: Sequence[Objective],
        groups: Mapping[str, Sequence[str]],
        names: Mapping[str, tuple[str, ...]],
        heads: Sequence[str],
        combiner: Combiner,
        optimizer: Optimizer,
        always_rows: bool = False,
        freeze: Freeze | None = None,
    ):
        """
        Args:
            objectives: of the update, with coefficients and the parts that each reads.
            groups: {group: its objectives}; every objective is in exactly one.
            names: {part: names of its weights} of the whole network.
            heads: the parts that use `head_learning_rate` and are never shared.
            combiner, optimizer: from the configs of these names.
            always_rows: whether to take rows even if one backward pass gives the same step.
            freeze: the weights that the rule does not move; None for none.
        Raises: ConfigError if the groups do not partition the objectives, a pattern of `optimizer.rates` matches no
            part, or the combiner rejects the number of rows.
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
        self.shared = shared_parts(names, heads, self.reads.values())
        """The parts that several groups read: their gradients are combined."""
        self.combined = tuple(g for g, places in self.reads.items() if {at.part for at in places} & {*self.shared})
        """The groups that have a row on the shared parts."""
        self.names = {part: names[part] for part in self.parts}
        self.layers = layers_of([name for part in self.shared for name in names[part]])
        self.heads = tuple(heads)
        self.combiner, self.optimizer = combiner, optimizer
        self._factors = optimizer.factors(names)
        self.takes_rows = bool(self.shared) and (always_rows or not combiner.is_sum)
        self._freeze = freeze if freeze and freeze.patterns else None
        self._frozen = self._freeze.mask(names) if self._freeze else {}
        self._combiner_state()

    def init(self, weights: Weights) -> RuleState:
        """The state before the first update of these live weights, {part: tensors}."""
        return RuleState(self.optimizer.init(self._flat(weights)), self._combiner_state())

    def _combiner_state(self) -> Any:
        """The combiner's initial state, one per layer with scope `layer`; () if no weights are shared."""
        if not self.shared:
            return ()
        state = initial_state(self.combiner, len(self.combined), len(self.layers))
        self.combiner.check(self.combined, tuple(self.groups))
        return state

    @property
    def asked(self) -> dict[str, Any]:
        """Arguments of `watched_rows` for the rows that `combine` takes: the gradients of Σ_i c_i L_i over each group.

        One row per group; or one row of the total loss if nothing is shared or the combiner is the plain sum.
        """
        if self.takes_rows:
            return {"reads": self.reads, "sums": self.sums, "names": self.names}
        reads = {"total": tuple(place for places in self.reads.values() for place in places)}
        total = {"total": {name: c for members in self.sums.values() for name, c in members.items()}}
        return {"reads": reads, "sums": total, "names": self.names}

    def combine(self, rows: Rows, state: RuleState, seed: tf.Tensor) -> tuple[Direction, RuleState]:
        """The combined gradient of all parts. Gradients at a frozen copy are first added to those at the live weights.

        Args:
            rows: the result of `watched_rows` with the arguments `asked`.
            state: before the update.
            seed: [2] int, for combiners that draw random numbers.
        Returns: the direction, and the state with the combiner's next state.
        """
        gradients = {row: self._without_frozen(onto_live(gradient)) for row, gradient in rows.gradients.items()}
        if not self.takes_rows:
            return Direction(rows.losses, rows.auxiliary, gradients["total"], None, None), state
        of_groups = shared_rows([gradients[group] for group in self.combined], self.shared)
        matrix, losses = gramian(of_groups, self.layers), tf.stack([rows.sums[group] for group in self.combined])
        weights, combiner_state = row_weights(self.combiner, matrix, losses, state.combiner, seed)
        gradient = self._unflatten_shared(weighted_sum(of_groups, weights, self.layers))
        for part in self.parts:
            if part not in self.shared:
                own = [row[part] for row in gradients.values() if part in row]
                gradient[part] = tuple(tf.add_n(tensors) for tensors in zip(*own, strict=True))
        direction = Direction(rows.losses, rows.auxiliary, gradient, matrix, weights)
        return direction, state._replace(combiner=combiner_state)

    def step(
        self, gradient: Gradient, weights: Weights, state: RuleState, progress: tf.Tensor
    ) -> tuple[Step, RuleState]:
        """Clips the gradient, by value and then by global norm, and turns it into a step; nothing is assigned.

        Args:
            gradient: of a `Direction`.
            weights: the live weights.
            state: before the update.
            progress: fraction of the run's environment steps done, [] float32 in [0, 1].
        Returns: the step, and the state with the optimizer's next slots.
        """
        raw = self._flat(gradient)
        clipped = clip_by_value(raw, clip_value=self.optimizer.clip_value)
        clipped, norm, factor = clip_by_global_norm(clipped, clip_norm=self.optimizer.clip_norm)
        if self.optimizer.clip_value is not None:
            norm = global_norm(raw)  # clipping by value would hide an infinite entry
        torso_rate, head_rate = self.optimizer.learning_rates(progress)
        # 0, but known only after all gradients. Otherwise XLA could move a weight that a backward pass still reads, and
        # would copy it first.
        last = tf.where(norm < 0.0, norm, 0.0)
        rates = self._by_weight(torso_rate + last, head_rate + last)
        steps, slots = self.optimizer.update(clipped, state.slots, self._flat(weights), rates)
        delta = self._without_frozen(self._unflatten(steps))
        step = Step(delta, self._unflatten(clipped), norm, factor, torso_rate)
        return step, state._replace(slots=self._slots(slots, state.slots))

    def _without_frozen(self, gradient: Gradient) -> Gradient:
        """The gradient or step, with zeros for frozen weights."""
        if self._freeze is None:
            return gradient
        return {
            part: tuple(
                self._freeze.zeroed(x) if frozen else x for x, frozen in zip(tensors, self._frozen[part], strict=True)
            )
            for part, tensors in gradient.items()
        }

    def _slots(self, new: Slots, old: Slots) -> Slots:
        """The new slots, except that frozen weights keep their old ones."""
        if self._freeze is None:
            return new
        frozen = self._flat(self._frozen)

        def unless_frozen(after, before):
            if not isinstance(after, tuple):
                return after
            return tuple(
                self._freeze.kept(x, y) if is_frozen else x
                for x, y, is_frozen in zip(after, before, frozen, strict=True)
            )

        return type(new)(*(unless_frozen(*pair) for pair in zip(new, old, strict=True)))

    def shared_row(self, gradient: Gradient) -> tuple[tf.Tensor, ...]:
        """The part of the combined gradient, or of a step, on the shared weights, one tensor per weight."""
        return shared_rows([gradient], self.shared)[0]

    def _by_weight(self, torso_rate: tf.Tensor, head_rate: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """One learning rate per weight, []: the head's or the torso's, times the factor of `optimizer.rates`."""
        own = ((head_rate if part in self.heads else torso_rate, self._factors[part]) for part in self.parts)
        scaled = bool(self.optimizer.rates)
        return tuple(rate * factor if scaled else rate for rate, factors in own for factor in factors)

    def _flat(self, tree: Mapping[str, Iterable]) -> tuple:
        """The tensors of {part: tensors} as one tuple."""
        return tuple(tensor for part in self.parts for tensor in tree[part])

    def _unflatten(self, tensors: Sequence[tf.Tensor]) -> Gradient:
        """The inverse of `_flat`."""
        tensors = iter(tensors)
        return {part: tuple(next(tensors) for _ in self.names[part]) for part in self.parts}

    def _unflatten_shared(self, tensors: Sequence[tf.Tensor]) -> Gradient:
        """The inverse of `shared_row`."""
        tensors = iter(tensors)
        return {part: tuple(next(tensors) for _ in self.names[part]) for part in self.shared}


def _partition(groups: Mapping[str, Sequence[str]], objectives: Mapping[str, Objective]) -> dict[str, tuple[str, ...]]:
    """The groups as tuples; ConfigError unless every objective is in exactly one group and no group is empty."""
    members = [name for group in groups.values() for name in group]
    require(
        sorted(members) == sorted(objectives) and all(groups.values()),
        f"agent.groups is { ({g: list(n) for g, n in groups.items()}) }; every objective of {sorted(objectives)} "
        "must be in exactly one group, and no group empty (auxiliary objectives name theirs: auxiliary.<name>.group).",
    )
    return {group: tuple(names) for group, names in groups.items()}
