"""The Custom Scalars tab: policy against value at the top."""

import re
from collections.abc import Collection, Mapping, Sequence

from tensorboard.plugins.custom_scalar import layout_pb2, summary

TAG = "custom_scalars__config__"
"""Of the layout in an event file."""

_CHARTS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "Policy against value": {
        "how hard each pulls on the torso (norm of the raw row)": [r"gradient/norm/(policy|value|entropy)$"],
        "do they fight (cosine of the rows)": [r"gradient/cosine/policy-value$", r"gradient/group_cosine/.*"],
        "whom the step serves (share of the applied step)": [r"update/share/(policy|value|entropy)$"],
        "value row over policy row": [r"gradient/norm_ratio/value-policy$"],
    },
    "Learning": {
        "return": [r"episode/return$", r"evaluation/return$"],
        "objectives": [r"objective/.*"],
        "explained variance": [r"value/explained_variance$"],
        "policy": [r"policy/.*"],
    },
    "From row to step": {
        "norms along the chain": [r"gradient/(weighted_norm/.*|combined_norm|clipped_norm)$", r"update/applied_norm$"],
        "clip ratio": [r"update/clip_ratio$"],
        "weight of each row": [r"update/row_weight/.*"],
        "cosine of the step with what asked for it": [r"update/cosine/.*"],
    },
    "Layers": {
        "cosine of policy and value": [r"gradient/cosine/policy-value/.*"],
        "norm of the policy's row": [r"gradient/norm/policy/.*"],
        "norm of the value's row": [r"gradient/norm/value/.*"],
        "step over weights": [r"update/ratio/.*"],
    },
    "Is it noise?": {
        "cosine across half-batches": [
            r"gradient/cross_batch/policy-value$",
            r"gradient/cross_batch/policy-value/corrected$",
        ],
        "reliability of each row": [r"gradient/cross_batch/(policy|value|entropy)$"],
        "signal to noise": [r"gradient/snr/.*"],
        "noise scale": [r"gradient/noise_scale/.*"],
        "interference between samples": [r"gradient/interference/(policy|value|entropy)$"],
    },
    "What the step did": {
        "change of each loss, to first order": [r"update/change/.*"],
        "change of each loss, measured": [r"update/measured_change/.*"],
        "curvature along the step": [r"gradient/curvature/.*"],
    },
    "Representation": {
        "rank of the features": [r"representation/(srank|effective_rank)/.*"],
        "norm of the features": [r"representation/feature_norm/.*"],
        "dormant units": [r"representation/dormant/.*"],
        "dead units": [r"representation/dead/.*"],
        "gradients at the torso's output": [r"gradient/features/(policy|value|entropy)$"],
        "stable rank of the weights": [r"weights/stable_rank/.*"],
    },
    "Against the truth": {
        "cosine with the true row": [r"gradient/oracle/.*/cosine$"],
        "squared bias": [r"gradient/oracle/.*/squared_bias$"],
        "variance": [r"gradient/oracle/.*/variance$"],
    },
    "Frozen copies": {
        "staleness: cosine of the rows": [r"gradient/stale/.*/cosine$"],
        "the gradient through the target": [r"gradient/through_target/.*"],
        "KL from the copy": [r"frozen/.*/kl$"],
        "distance": [r"frozen/.*/distance$"],
        "age": [r"frozen/.*/age$"],
    },
}


def layout_summary(tags: Collection[str]) -> bytes:
    """The layout as a serialised Summary, to be written once a run: the charts that show one of its tags."""
    categories = []
    for title, charts in _CHARTS.items():
        shown = [
            layout_pb2.Chart(title=name, multiline=layout_pb2.MultilineChartContent(tag=list(patterns)))
            for name, patterns in charts.items()
            if any(re.match(pattern, tag) for pattern in patterns for tag in tags)
        ]
        if shown:
            categories.append(layout_pb2.Category(title=title, chart=shown))
    return summary.pb(layout_pb2.Layout(category=categories)).SerializeToString()
