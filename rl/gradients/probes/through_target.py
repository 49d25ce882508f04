"""The gradient through the bootstrap target, which the semi-gradient leaves out."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence
from rl.gradients.probes.pairs import cosine_and_ratio


def through_target(evidence: Evidence) -> dict[str, tf.Tensor]:
    """Compares the two parts of the gradient of ½ δ², δ the one-step TD error: γ δ ∇v̄(s') and −δ ∇v(s).

    cosine   of the two; near −1, the first cancels most of the semi-gradient in their sum, the residual gradient
    ratio    |γ δ ∇v̄(s')| / |−δ ∇v(s)|

    δ is the one-step error, whatever λ the agent uses.
    """
    semi, through = evidence.one_step
    cosine, ratio = cosine_and_ratio(through, semi)
    return {"gradient/through_target/cosine": cosine, "gradient/through_target/ratio": ratio}
