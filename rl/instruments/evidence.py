"""One update, taken apart for the probes."""

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
    """The evidence of one minibatch's update; see `Evidence` for what each of it is."""

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
            objective.name: tuple(
                At(LIVE, Output(part)) for part in objective.reads.get(LIVE, ()) if Output(part) in nudges
            )
            for objective in self._minibatch.update.objectives
        }

        def nudged(seen: Roles):
            return losses({**roles, LIVE: {**roles[LIVE], **seen[LIVE]}})

        rows = watched_rows(nudged, {LIVE: nudges}, reads).gradients
        return {name: next(iter(rows[name].values()))[0] for name in self.objectives if rows[name]}

    @cached_property
    def changes(self) -> dict[str, Change]:
        """{objective: change}."""
        delta = self._update[1].delta
        before, whole = self._losses_after({}), self._losses_after(delta)
        shared = self._losses_after({part: delta[part] for part in self._shared if part in delta})
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


def _layer_norms(tree: Mapping[str, Row], names: Mapping[str, tuple[str, ...]]) -> dict[str, tf.Tensor]:
    return {
        layer: global_norm(tuple(tree[part][place] for place in places))
        for part in names
        for layer, places in layers_of(names[part]).items()
    }
