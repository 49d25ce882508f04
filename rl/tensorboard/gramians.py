"""Gramians in event files: one tensor a moment, and what its axes mean in the metadata. TensorFlow is not needed."""

import json
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_TENSOR, Summary, SummaryMetadata
from tensorboard.util import tensor_util

from rl import plain_json

PLUGIN = "gradients"
TAG = "gradient/gramian"
MOST_MOMENTS = 2000
"""Of a run. TensorBoard would keep 10 of a tensor that is not its own, or 100, chosen at random."""
MOST_LAYERS, MOST_ROWS, MOST_CELLS = 2000, 64, 200_000
"""The largest Gramians [L, R, R] that are read, L · R² numbers in all."""
MOST_WEIGHTS = 10**12
"""The largest size of a layer that is read."""
MOST_COEFFICIENT = 1e12
LONGEST_NAME = 200
_LONGEST_LEGEND = 1 << 20  # bytes of JSON; 2,000 layers of names of 200 letters take less than half


class Legend(NamedTuple):
    """What the axes of a run's Gramians [L, R, R] mean.

    rows are the objectives' raw rows, m of them, and then the extra rows; sizes counts the weights of each layer;
    groups says which objectives the combiner took as one row; combiner is its name in `combiner=`, or its class where
    it has none; settings are its own numbers. L = 0 where the network shares nothing.
    """

    layers: tuple[str, ...]
    sizes: tuple[int, ...]
    objectives: tuple[str, ...]
    extra_rows: tuple[str, ...]
    coefficients: tuple[float, ...]
    groups: Mapping[str, tuple[str, ...]]
    combiner: str
    settings: Mapping[str, Any] = MappingProxyType({})

    @property
    def rows(self) -> tuple[str, ...]:
        """The names along both row axes."""
        return (*self.objectives, *self.extra_rows)


def gramian_summary(gramian: np.ndarray, legend: Legend) -> Summary:
    """One moment: [L, R, R] as float64, since a rule that is computed from it afterwards needs the digits."""
    metadata = SummaryMetadata(data_class=DATA_CLASS_TENSOR, summary_description="Gramians of the rows, layer by layer")
    metadata.plugin_data.plugin_name = PLUGIN
    fields = {**legend._asdict(), "settings": dict(legend.settings)}
    metadata.plugin_data.content = plain_json.dumps(fields).encode()
    tensor = tensor_util.make_tensor_proto(np.asarray(gramian, np.float64))
    return Summary(value=[Summary.Value(tag=TAG, tensor=tensor, metadata=metadata)])


def combiner_name(class_name: str, settings: Mapping[str, Any]) -> str:
    """The name in `combiner=` of a combiner's class, `imtl_g` of `IMTLG`; any other name is given back as it is."""
    if class_name == "Only":
        return {0: "policy_only", 1: "value_only"}.get(settings.get("row"), class_name)
    return _CONFIG_NAMES.get(class_name, class_name)


_CONFIG_NAMES = {
    "Sum": "sum",
    "Mean": "mean",
    "RandomWeights": "random",
    "PCGrad": "pcgrad",
    "GradVac": "gradvac",
    "UPGrad": "upgrad",
    "DualProj": "dual_proj",
    "MGDA": "mgda",
    "CAGrad": "cagrad",
    "IMTLG": "imtl_g",
    "ConFIG": "config",
    "NashMTL": "nash_mtl",
    "AlignedMTL": "aligned_mtl",
    "GradNorm": "gradnorm",
}


def read_legend(content: bytes) -> Legend:
    """The legend in a series' metadata; ValueError, in a sentence, for anything else.

    Everything is bounded (names, counts, numbers, the size of a Gramian): whoever draws a legend need not ask again.
    """
    try:
        if len(content) > _LONGEST_LEGEND:
            raise OverflowError
        fields = json.loads(content)
        settings = {key: x for key, x in _mapped(fields["settings"]).items() if _is_flat(key) and _is_flat(x)}
        legend = Legend(
            **{name: _listed(fields[name]) for name in ("layers", "sizes", "objectives", "extra_rows", "coefficients")},
            groups={group: _listed(names) for group, names in fields["groups"].items()},
            combiner=combiner_name(fields["combiner"], settings),
            settings=settings,
        )
        fits = _fits(legend)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"its metadata is not a legend of Gramians ({type(error).__name__})") from None
    if not fits:
        raise ValueError("its metadata is not a legend of Gramians: its lists do not fit together")
    problem = _too_large(legend)
    if problem is not None:
        raise ValueError(f"its metadata is not a legend of Gramians: {problem}")
    return legend


def _listed(node: Any) -> tuple:
    """A list as a tuple: a text would come apart into its letters."""
    if not isinstance(node, list):
        raise TypeError(node)
    return tuple(node)


def _mapped(node: Any) -> dict:
    if not isinstance(node, dict):
        raise TypeError(node)
    return node


def _is_flat(node: Any) -> bool:
    """A short text, a number that is one, or a short list of these: what a combiner's settings are made of."""
    if isinstance(node, list):
        return len(node) <= MOST_ROWS and all(_is_flat(x) and not isinstance(x, list) for x in node)
    if isinstance(node, int | float):
        return abs(node) <= MOST_WEIGHTS  # neither NaN nor an infinity
    return node is None or (isinstance(node, str) and len(node) <= LONGEST_NAME)


def _fits(legend: Legend) -> bool:
    grouped = [name for names in legend.groups.values() for name in names]
    texts, numbers = (*legend.layers, *legend.rows, legend.combiner), (*legend.sizes, *legend.coefficients)
    return (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(x, int | float) and abs(x) < math.inf for x in numbers)
        and all(size >= 0 for size in legend.sizes)
        and len(legend.layers) == len(set(legend.layers)) == len(legend.sizes)
        and len(legend.rows) == len(set(legend.rows))
        and len(legend.objectives) == len(legend.coefficients)
        and set(grouped) <= set(legend.objectives)
        and (bool(grouped) or not legend.layers)
    )


def _too_large(legend: Legend) -> str | None:
    """Which limit a legend breaks; all numbers of it are compared as they are, since 10**400 has no float."""
    names = (*legend.layers, *legend.rows, *legend.groups, legend.combiner)
    num_layers, num_rows = len(legend.layers), len(legend.rows)
    limits = {
        f"it has more than {MOST_LAYERS} layers": num_layers <= MOST_LAYERS,
        f"it has more than {MOST_ROWS} rows": num_rows <= MOST_ROWS,
        f"it has more than {MOST_ROWS} groups": len(legend.groups) <= MOST_ROWS,
        f"a Gramian has more than {MOST_CELLS} numbers": num_layers * num_rows**2 <= MOST_CELLS,
        f"a name is longer than {LONGEST_NAME} letters": all(len(name) <= LONGEST_NAME for name in names),
        f"a layer has more than {MOST_WEIGHTS} weights": all(size <= MOST_WEIGHTS for size in legend.sizes),
        f"a coefficient is beyond ±{MOST_COEFFICIENT:g}": all(abs(x) <= MOST_COEFFICIENT for x in legend.coefficients),
    }
    return next((problem for problem, kept in limits.items() if not kept), None)
