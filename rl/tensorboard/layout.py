"""The layout of the Custom Scalars tab: a run's charts, from its tags and the legend of its Gramians.

Objectives, groups and heads are named by the agent. Charts of single rows and of pairs take the names from the legend;
charts of a head's diagnostics take them from the tags.
"""

import itertools
import re
from collections.abc import Collection, Mapping, Sequence

from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar.metadata import CONFIG_SUMMARY_TAG as TAG
from tensorboard.plugins.custom_scalar.metadata import create_summary_metadata
from tensorboard.util import tensor_util

from rl.tensorboard.gramians import Legend

Charts = Mapping[str, Sequence[str]]
"""{title of a chart: regular expressions that match the tags of its lines}."""

_SECTIONS = {
    *("episode", "evaluation", "time", "objective"),
    *("gradient", "update", "frozen", "representation", "weights"),
}
"""First components of the tags that the package logs for every agent; any other is the name of a head."""


def layout_summary(tags: Collection[str], legend: Legend | None = None) -> Summary:
    """The layout as a summary, written once per run. Charts without a matching tag are left out.

    Args:
        tags: of all scalars that the run logs.
        legend: of the run's Gramians; None if the run has none, which leaves out all charts of single rows.
    """
    categories = []
    for title, charts in _categories(_heads(tags), legend).items():
        shown = [
            layout_pb2.Chart(title=name, multiline=layout_pb2.MultilineChartContent(tag=list(patterns)))
            for name, patterns in charts.items()
            if any(re.match(pattern, tag) for pattern in patterns for tag in tags)
        ]
        if shown:
            categories.append(layout_pb2.Category(title=title, chart=shown))
    # TensorBoard's own function for this imports TensorFlow.
    tensor = tensor_util.make_tensor_proto(layout_pb2.Layout(category=categories).SerializeToString())
    return Summary(value=[Summary.Value(tag=TAG, tensor=tensor, metadata=create_summary_metadata())])


def _heads(tags: Collection[str]) -> list[str]:
    """The names of heads with diagnostics, the first component of tags such as `<head>/kl`, in the order of the tags.

    A head that logs its explained variance is left out: that one number has a chart of its own.
    """
    sections = dict.fromkeys(tag.split("/")[0] for tag in tags)
    return [name for name in sections if name not in _SECTIONS and f"{name}/explained_variance" not in tags]


def _categories(heads: Sequence[str], legend: Legend | None) -> dict[str, Charts]:
    """{category: its charts}, in the order of the page."""
    objectives = legend.objectives if legend else ()
    leads = legend.leads if legend else ()
    # A pair's tag has the objectives in the legend's order, whatever the order of the groups.
    pairs = list(itertools.combinations(sorted(leads, key=objectives.index), 2))
    return {
        _title(leads): _comparison(pairs, objectives, leads),
        "Learning": _learning(heads),
        "From row to step": _chain(),
        "Layers": _layers(pairs, objectives, leads),
        "Is it noise?": _noise(pairs, objectives),
        "What the step did": _effect(),
        "Representation": _representation(objectives),
        "Against the truth": _truth(),
        "Frozen copies": _copies(),
    }


def _title(leads: Sequence[str]) -> str:
    """`A against b` for two leading objectives a and b."""
    if len(leads) != 2:
        return "Objectives on the torso"
    first, second = leads
    return f"{first[:1].upper()}{first[1:]} against {second}"


def _comparison(pairs: Sequence[tuple[str, str]], objectives: Sequence[str], leads: Sequence[str]) -> Charts:
    """The leading rows against each other; norm ratios are logged relative to the first objective's row.

    Args:
        pairs: of leading objectives, in the order that tags use.
        objectives: all objectives of the legend.
        leads: the leading objective of each group.
    """
    first = objectives[0] if objectives else ""
    others = [name for name in leads if name != first]
    return {
        "norm of each raw row": [r"gradient/norm/[^/]+$"],
        "cosine of the rows": [*(f"gradient/cosine/{_of(pair)}$" for pair in pairs), r"gradient/group_cosine/.*"],
        "share of the applied step": [r"update/share/[^/]+$"],
        f"norm over that of the {first} row": [f"gradient/norm_ratio/{_of((name, first))}$" for name in others],
    }


def _learning(heads: Sequence[str]) -> Charts:
    """Returns, losses, explained variances, and a chart with the diagnostics of each other head."""
    return {
        "return": [r"episode/return$", r"evaluation/return$"],
        "objectives": [r"objective/.*"],
        "explained variance": [r"[^/]+/explained_variance$"],
        **{head: [f"{re.escape(head)}/.*"] for head in heads},
    }


def _chain() -> Charts:
    """The chain from the rows to the step; with several updates per phase, tags end in the update's name."""
    return {
        "norms along the chain": [r"gradient/(weighted_norm/.*|combined_norm|clipped_norm)$", r"update/applied_norm$"],
        "clip ratio": [r"update/clip_ratio(/.*)?$"],
        "weight of each row": [r"update/row_weight/.*"],
        "cosine of the step with each row": [r"update/cosine/.*"],
    }


def _layers(pairs: Sequence[tuple[str, str]], objectives: Sequence[str], leads: Sequence[str]) -> Charts:
    """One chart per leading row, and one per pair with the first objective, since all pairs would be too many."""
    with_first = [pair for pair in pairs if objectives[0] in pair] or pairs
    return {
        **{f"cosine of {a} and {b}": [f"gradient/cosine/{_of((a, b))}/.*"] for a, b in with_first},
        **{f"norm of the {name} row": [f"gradient/norm/{re.escape(name)}/.*"] for name in leads},
        "step over weights": [r"update/ratio/.*"],
    }


def _noise(pairs: Sequence[tuple[str, str]], objectives: Sequence[str]) -> Charts:
    """Cosines of rows from disjoint half-batches, and signal-to-noise ratios of single rows."""
    crossed = [f"gradient/cross_batch/{_of(pair)}" for pair in pairs]
    return {
        "cosine across half-batches": [pattern for tag in crossed for pattern in (f"{tag}$", f"{tag}/corrected$")],
        "reliability of each row": _each("gradient/cross_batch", objectives),
        "signal to noise": [r"gradient/snr/.*"],
        "noise scale": [r"gradient/noise_scale/.*"],
        "interference between samples": [r"gradient/interference/[^/]+$"],
    }


def _effect() -> Charts:
    """The change of each loss under the applied step, predicted from the rows and measured, and the curvature."""
    return {
        "change of each loss, to first order": [r"update/change/.*"],
        "change of each loss, measured": [r"update/measured_change/.*"],
        "curvature along the step": [r"gradient/curvature/.*"],
    }


def _representation(objectives: Sequence[str]) -> Charts:
    """Rank, norm and dead units of the torso's features, and the objectives' gradients there."""
    return {
        "rank of the features": [r"representation/(srank|effective_rank)/.*"],
        "norm of the features": [r"representation/feature_norm/.*"],
        "dormant units": [r"representation/dormant/.*"],
        "dead units": [r"representation/dead/.*"],
        "gradients at the torso's output": _each("gradient/features", objectives),
        "stable rank of the weights": [r"weights/stable_rank/.*"],
    }


def _truth() -> Charts:
    """Sampled rows against the true gradients of a finite MDP, with `probe=oracle`."""
    return {
        "cosine with the true row": [r"gradient/oracle/.*/cosine$"],
        "squared bias": [r"gradient/oracle/.*/squared_bias$"],
        "variance": [r"gradient/oracle/.*/variance$"],
    }


def _copies() -> Charts:
    """Age and distance of the frozen copies, and the rows taken at their weights."""
    return {
        "staleness: cosine of the rows": [r"gradient/stale/.*/cosine$"],
        "gradient through the target": [r"gradient/through_target/.*"],
        "KL from the copy": [r"frozen/.*/kl$"],
        "distance": [r"frozen/.*/distance$"],
        "age": [r"frozen/.*/age$"],
    }


def _of(pair: tuple[str, str]) -> str:
    """The regular expression for a pair as tags write it, `a-b`."""
    return "-".join(re.escape(name) for name in pair)


def _each(stem: str, names: Sequence[str]) -> list[str]:
    """One regular expression that matches `stem/<name>` for all of the names; an empty list without names."""
    return [f"{stem}/({'|'.join(map(re.escape, names))})$"] if names else []
