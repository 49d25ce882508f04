"""Gradients with respect to the torso's output, before backpropagation through its weights turns them into rows."""

import itertools

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence
from rl.gradients.probes.pairs import cosine_and_ratio, quotient


def feature_gradients(evidence: Evidence) -> dict[str, tf.Tensor]:
    """Norms and cosines of each objective's gradient with respect to the torso's output on the minibatch, f [B, F].

    <a>             |∂L_a/∂f|, with [B, F] taken as one vector
    <a>/row_ratio   |g_a| / |∂L_a/∂f|, the torso's gain on the gradient; NaN if the latter is 0
    <a>-<b>         cos(∂L_a/∂f, ∂L_b/∂f)

    If this cosine differs from that of the rows, the torso's weights create or hide the conflict. There are no cosines
    with separate torsos.
    """
    numbers, gradients = {}, evidence.feature_gradients
    for name, gradient in gradients.items():
        size = tf.norm(gradient)
        numbers[f"gradient/features/{name}"] = size
        numbers[f"gradient/features/{name}/row_ratio"] = quotient(evidence.torso_norms[name], size)
    if evidence.layers:
        for (a, one), (b, other) in itertools.combinations(gradients.items(), 2):
            numbers[f"gradient/features/{a}-{b}"], _ = cosine_and_ratio((one,), (other,))
    return numbers
