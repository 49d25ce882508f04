"""The evidence that probes read, measured on one minibatch's update."""

from collections.abc import Mapping
from functools import cached_property

import tensorflow as tf

from rl.agents import LIVE, Roles
from rl.frozen import drift
from rl.gradients import At, layers_of, watched_rows
from rl.gradients.gramian import Row
from rl.gradients.probes.evidence import Change, CopyDrift, Evidence
from rl.gradients.rows import Gradient
from rl.gradients.second_derivatives import second_derivatives
from rl.instruments.update_rows import UpdateRows
from rl.networks import OBSERVATION, Output
from rl.updates.clipping import global_norm
from rl.vectors import moved


class UpdateEvidence(UpdateRows, Evidence):
    """The evidence of one minibatch's update; `Evidence` defines each field.

    Fields are cached properties: passes over the batch are made only for the fields that some probe reads. They are
    pure, in a graph or eagerly, and about one run.
    """

    @cached_property
    def head_norms(self) -> dict[str, tf.Tensor]:
        """{head: norm of its coefficient-weighted gradient, []}, for the heads that the update moves."""
        gradient = self._update[0].gradient
        return {part: global_norm(gradient[part]) for part in self._rule.heads if part in gradient}

    @cached_property
    def weight_norms(self) -> dict[str, tf.Tensor]:
        """{layer: norm of its weights before the update, []}."""
        return _layer_norms(self._minibatch.weights, self._rule.names)

    @cached_property
    def step_norms(self) -> dict[str, tf.Tensor]:
        """{layer: norm of Δw, []}."""
        return _layer_norms(self._update[1].delta, self._rule.names)

    @cached_property
    def copies(self) -> dict[str, CopyDrift]:
        """{role: drift of the live weights from the frozen copy}, both before the iteration's learning."""
        model, agent, observation = self._learner.model, self._learner.agent, self._minibatch.batch.observation
        live, copies = agent.policy(model, self._state.weights, observation), {}
        for role, copy in self._state.frozen.items():
            kl = model.distribution.kl(agent.policy(model, copy.weights, observation), live)
            copies[role] = CopyDrift(copy.age, drift(self._state.weights, copy.weights), tf.reduce_mean(kl))
        return copies

    @cached_property
    def kernels(self) -> dict[str, tf.Tensor]:
        """{layer: its kernel [inputs, units] before the update}, for every layer with a weight of rank 2."""
        return {
            name.rsplit("/", 1)[0]: tensor
            for part, names in self._rule.names.items()
            for name, tensor in zip(names, self._minibatch.weights[part], strict=True)
            if len(tensor.shape) == 2
        }

    @cached_property
    def activations(self) -> dict[str, tf.Tensor]:
        """{layer: activations [B, ..., units]} at the live weights, for the layers before the heads."""
        return self._network.activations(self._minibatch.weights, {OBSERVATION: self._minibatch.batch.observation})

    @cached_property
    def features(self) -> dict[str, tf.Tensor]:
        """{part: [B, F]}, the output of the last layer of each part before the heads, flattened per sample."""
        last = {layer.split("/")[0]: hidden for layer, hidden in self.activations.items()}
        return {part: tf.reshape(hidden, (hidden.shape[0], -1)) for part, hidden in last.items()}

    @cached_property
    def feature_gradients(self) -> dict[str, tf.Tensor]:
        """{objective: gradient of its loss with respect to its part's features, [B, F]}, for those that have a row.

        A zero tensor is added to each part's output (`Output`), and the tape watches these tensors only.
        """
        losses, roles = self._minibatch.losses, self._minibatch.seen
        nudges = {Output(part): (tf.zeros_like(hidden),) for part, hidden in self.features.items()}
        reads = {
            objective.name: tuple(
                At(LIVE, Output(part)) for part in objective.reads.get(LIVE, ()) if Output(part) in nudges
            )
            for objective in self._minibatch.update.objectives
        }

        def nudged(seen: Roles):
            """The losses with the watched zeros among the live weights."""
            return losses({**roles, LIVE: {**roles[LIVE], **seen[LIVE]}})

        rows = watched_rows(nudged, {LIVE: nudges}, reads).gradients
        return {name: next(iter(rows[name].values()))[0] for name in self.objectives if rows[name]}

    @cached_property
    def changes(self) -> dict[str, Change]:
        """{objective: measured change of its loss on this minibatch}, by the step on shared weights and on all weights.

        It takes three forward passes and no gradient.
        """
        delta = self._update[1].delta
        before, whole = self._losses_after({}), self._losses_after(delta)
        shared = self._losses_after({part: delta[part] for part in self._shared if part in delta})
        return {name: Change(shared[name] - before[name], whole[name] - before[name]) for name in before}

    @cached_property
    def curvatures(self) -> dict[str, tf.Tensor]:
        """{objective: uᵀ H u, []}, the curvature of its loss along the unit vector u = Δw / |Δw|; 0 if Δw = 0.

        Without forming H: uᵀ H u is the second derivative of x ↦ L(w + x u) at x = 0.
        """
        delta = self._update[1].delta
        size = global_norm(tuple(tensor for tensors in delta.values() for tensor in tensors))
        unit = {part: tuple(tf.math.divide_no_nan(x, size) for x in tensors) for part, tensors in delta.items()}
        return second_derivatives(lambda length: self._losses_after(unit, length))

    def _losses_after(self, step: Gradient, length: tf.Tensor | float | None = None) -> dict[str, tf.Tensor]:
        """The losses {objective: []} on the minibatch at w + step, or at w + length · step."""
        roles = {**self._minibatch.roles, LIVE: moved(self._minibatch.weights, step, length)}
        return self._minibatch.losses(roles)[0]


def _layer_norms(tree: Mapping[str, Row], names: Mapping[str, tuple[str, ...]]) -> dict[str, tf.Tensor]:
    """The norm of each layer's tensors together, {layer: []}, of {part: tensors} with {part: names of its weights}."""
    return {
        layer: global_norm(tuple(tree[part][place] for place in places))
        for part in names
        for layer, places in layers_of(names[part]).items()
    }
