"""What the objectives ask of the torso's output, before its weights turn that into rows."""

import itertools

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence
from rl.gradients.probes.pairs import cosine_and_ratio, quotient


def feature_gradients(evidence: Evidence) -> dict[str, tf.Tensor]:
    """Norms of every objective's gradient with respect to the torso's output on the minibatch, [B, F] as one vector,
    the cosines between them, and the row's norm over it (NaN
    where it is zero).

    Where the cosine at the output differs from that of the rows, it is the torso that makes or hides the conflict.
    With separate torsos there are the norms alone.
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
