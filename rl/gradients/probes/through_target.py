"""What the semi-gradient leaves out: the gradient through the value that stands for the future."""

import tensorflow as tf

from rl.gradients.probes.evidence import Evidence
from rl.gradients.probes.pairs import cosine_and_ratio


def through_target(evidence: Evidence) -> dict[str, tf.Tensor]:
    """The gradient of ½ δ² (one-step) through the successor's value, γ δ ∇v̄(s'), beside the semi-gradient −δ ∇v(s).

    cosine   near −1 the residual gradient, their sum, takes back what the semi-gradient does
    ratio    of the norms, over the semi-gradient's
    """
    semi, through = evidence.one_step
    cosine, ratio = cosine_and_ratio(through, semi)
    return {"gradient/through_target/cosine": cosine, "gradient/through_target/ratio": ratio}
