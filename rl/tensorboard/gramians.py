"""Gramians in event files: one tensor a moment, and what its axes mean in the metadata. TensorFlow is not needed."""

import json
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_TENSOR, Summary, SummaryMetadata
from tensorboard.util import tensor_util

PLUGIN = "gradients"
TAG = "gradient/gramian"
MOST_MOMENTS = 2000
"""Of a run. TensorBoard would keep 10 of a tensor that is not its own, or 100, chosen at random."""


class Legend(NamedTuple):
    """What the axes of a run's Gramians [L, R, R] mean.

    rows are the objectives' raw rows, m of them, and then the extra rows; sizes counts the weights of each layer;
    groups says which objectives the combiner took as one row, settings are the combiner's own numbers. L = 0 where the
    network shares nothing.
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
    metadata.plugin_data.content = json.dumps(fields, allow_nan=False).encode()
    tensor = tensor_util.make_tensor_proto(np.asarray(gramian, np.float64))
    return Summary(value=[Summary.Value(tag=TAG, tensor=tensor, metadata=metadata)])


def read_legend(content: bytes) -> Legend:
    """The legend in a series' metadata; ValueError, in a sentence, for anything else."""
    try:
        fields = json.loads(content)
        legend = Legend(
            **{name: _listed(fields[name]) for name in ("layers", "sizes", "objectives", "extra_rows", "coefficients")},
            groups={group: _listed(names) for group, names in fields["groups"].items()},
            combiner=fields["combiner"],
            settings=_mapped(fields["settings"]),
        )
        fits = _fits(legend)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"its metadata is not a legend of Gramians ({type(error).__name__})") from None
    if not fits:
        raise ValueError("its metadata is not a legend of Gramians: its lists do not fit together")
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


def _fits(legend: Legend) -> bool:
    grouped = [name for names in legend.groups.values() for name in names]
    texts, numbers = (*legend.layers, *legend.rows, legend.combiner), (*legend.sizes, *legend.coefficients)
    return (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(x, int | float) and math.isfinite(x) for x in numbers)
        and all(size >= 0 for size in legend.sizes)
        and len(legend.layers) == len(set(legend.layers)) == len(legend.sizes)
        and len(legend.rows) == len(set(legend.rows))
        and len(legend.objectives) == len(legend.coefficients)
        and set(grouped) <= set(legend.objectives)
        and (bool(grouped) or not legend.layers)
    )
