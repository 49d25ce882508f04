"""The Custom Scalars tab: its charts follow from the legend and the tags, whatever the objectives are called."""

import itertools
import re

import numpy as np
import pytest
from gramian_logs import legend
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout

from rl.tensorboard.event_files import read_events
from rl.tensorboard.layout import TAG, layout_summary
from rl.tensorboard.writer import Writer

USUAL = ("policy", "value", "entropy")
SIX = ("reward_prediction", "next_observation", "termination", "inverse_dynamics", "self_prediction", "decorrelation")
GROUPS = {"model": SIX[:3], "features": SIX[3:5], "regularisation": SIX[5:]}
LAYERS = ("torso/dense_0", "torso/dense_1")


def parsed(summary):
    """{category: {chart: patterns}} of a layout's summary."""
    (value,) = summary.value
    layout = Layout.FromString(value.tensor.string_val[0])
    return {
        category.title: {chart.title: list(chart.multiline.tag) for chart in category.chart}
        for category in layout.category
    }


def charts(tags, of=None):
    """{category: {chart: the tags that it draws}}."""
    layout = parsed(layout_summary(tags, of))
    return {
        title: {
            chart: [tag for tag in tags if any(re.match(pattern, tag) for pattern in patterns)]
            for chart, patterns in found.items()
        }
        for title, found in layout.items()
    }


def tags_of(objectives):
    """Tags that probes log of these objectives, with their layers."""
    first, *others = objectives
    pairs = [f"{a}-{b}" for a, b in itertools.combinations(objectives, 2)]
    per_layer = [f"gradient/norm/{name}" for name in objectives] + [f"gradient/cosine/{pair}" for pair in pairs]
    per_layer += [f"update/share/{name}" for name in objectives] + [f"gradient/cross_batch/{pair}" for pair in pairs]
    return [
        *per_layer,
        *(f"{tag}/{layer}" for tag in per_layer for layer in LAYERS),
        *(f"gradient/norm_ratio/{name}-{first}" for name in others),
        *(f"gradient/cross_batch/{pair}/corrected" for pair in pairs),
        *(
            f"{stem}/{name}"
            for stem in ("gradient/cross_batch", "gradient/features", "objective")
            for name in objectives
        ),
        *(f"gradient/features/{pair}" for pair in pairs),
    ]


def test_policy_against_value_stands_at_the_top():
    found = charts([*tags_of(USUAL), "gradient/group_cosine/actor-critic"], legend())
    assert next(iter(found.items())) == (
        "Policy against value",
        {
            "norm of each raw row": ["gradient/norm/policy", "gradient/norm/value", "gradient/norm/entropy"],
            "cosine of the rows": ["gradient/cosine/policy-value", "gradient/group_cosine/actor-critic"],
            "share of the applied step": ["update/share/policy", "update/share/value", "update/share/entropy"],
            "norm over that of the policy row": ["gradient/norm_ratio/value-policy"],
        },
    )
    assert found["Layers"] == {
        "cosine of policy and value": [f"gradient/cosine/policy-value/{layer}" for layer in LAYERS],
        "norm of the policy row": [f"gradient/norm/policy/{layer}" for layer in LAYERS],
        "norm of the value row": [f"gradient/norm/value/{layer}" for layer in LAYERS],
    }
    assert found["Is it noise?"] == {
        "cosine across half-batches": [
            "gradient/cross_batch/policy-value",
            "gradient/cross_batch/policy-value/corrected",
        ],
        "reliability of each row": [f"gradient/cross_batch/{name}" for name in USUAL],
    }
    assert found["Representation"] == {
        "gradients at the torso's output": [f"gradient/features/{name}" for name in USUAL]
    }


def test_six_objectives_are_compared_by_the_first_of_each_group():
    found = charts(tags_of(SIX), legend(objectives=SIX)._replace(groups=GROUPS))
    first, second, third = (members[0] for members in GROUPS.values())
    top = found["Objectives on the torso"]
    assert top["norm of each raw row"] == [f"gradient/norm/{name}" for name in SIX]
    pairs = [f"{first}-{second}", f"{first}-{third}", f"{second}-{third}"]
    assert top["cosine of the rows"] == [f"gradient/cosine/{pair}" for pair in pairs]
    assert top[f"norm over that of the {first} row"] == [
        f"gradient/norm_ratio/{second}-{first}",
        f"gradient/norm_ratio/{third}-{first}",
    ]
    assert list(found["Layers"]) == [
        *(f"cosine of {first} and {other}" for other in (second, third)),
        *(f"norm of the {name} row" for name in (first, second, third)),
    ]


def test_a_pair_is_found_whatever_the_order_of_the_groups():
    of = legend()._replace(groups={"critic": ("value",), "actor": ("policy", "entropy")})
    found = charts(tags_of(USUAL), of)
    assert found["Value against policy"]["cosine of the rows"] == ["gradient/cosine/policy-value"]


def test_names_are_no_regular_expressions():
    names = ("a.c", "abc", "(d")
    of = legend(objectives=names, extra_rows=())
    found = charts(tags_of(names), of)
    assert found["Layers"]["norm of the a.c row"] == [f"gradient/norm/a.c/{layer}" for layer in LAYERS]
    assert found["Is it noise?"]["reliability of each row"] == [f"gradient/cross_batch/{name}" for name in names]


def test_heads_have_the_names_that_their_diagnostics_have():
    tags = [
        "policy/kl",
        "policy/entropy",
        "q_0/explained_variance",
        "q_0/mean",
        "temperature/alpha",
        "time/wall_seconds",
    ]
    assert charts(tags) == {
        "Learning": {
            "explained variance": ["q_0/explained_variance"],
            "policy": ["policy/kl", "policy/entropy"],
            "temperature": ["temperature/alpha"],
        }
    }


def test_charts_without_a_line_are_left_out():
    assert charts(["episode/return", "gradient/snr/value"]) == {
        "Learning": {"return": ["episode/return"]},
        "Is it noise?": {"signal to noise": ["gradient/snr/value"]},
    }


@pytest.mark.parametrize("probed", [True, False])
def test_the_layout_is_written_once_with_the_first_gramian_or_the_first_scalars(tmp_path, probed):
    writer, of = Writer(tmp_path), legend()
    writer.layout([*tags_of(USUAL), "episode/return"])
    for step in (100, 200):
        if probed:
            writer.gramian(np.zeros((2, 6, 6)), of, step)
        writer.scalars({"episode/return": 1.0}, step)
    writer.close()
    summaries = [event.summary for event in read_events(tmp_path)]
    (layout,) = [summary for summary in summaries if summary.value and summary.value[0].tag == TAG]
    assert ("Policy against value" in parsed(layout)) == probed
    assert parsed(layout)["Learning"]["return"] == ["episode/return$", "evaluation/return$"]
