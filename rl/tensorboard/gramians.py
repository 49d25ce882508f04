"""Gramians in event files: one tensor a moment, and what its axes mean in the metadata. TensorFlow is not needed."""

import json
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_TENSOR, Summary, SummaryMetadata
from tensorboard.util import tensor_util

PLUGIN = "gradients"
TAG = "gradient/gramian"


class Legend(NamedTuple):
    """What the axes of a run's Gramians [L, R, R] mean.

    rows are the objectives' raw rows, m of them, and then the extra rows; sizes counts the weights of each layer;
    groups says which objectives the combiner took as one row. L = 0 where the network shares nothing.
    """

    layers: tuple[str, ...]
    sizes: tuple[int, ...]
    objectives: tuple[str, ...]
    extra_rows: tuple[str, ...]
    coefficients: tuple[float, ...]
    groups: Mapping[str, tuple[str, ...]]
    combiner: str

    @property
    def rows(self) -> tuple[str, ...]:
        """The names along both row axes."""
        return (*self.objectives, *self.extra_rows)


def gramian_summary(gramian: np.ndarray, legend: Legend) -> Summary:
    """One moment: [L, R, R] as float64, since a rule that is computed from it afterwards needs the digits."""
    metadata = SummaryMetadata(data_class=DATA_CLASS_TENSOR, summary_description="Gramians of the rows, layer by layer")
    metadata.plugin_data.plugin_name = PLUGIN
    metadata.plugin_data.content = json.dumps(legend._asdict()).encode()
    tensor = tensor_util.make_tensor_proto(np.asarray(gramian, np.float64))
    return Summary(value=[Summary.Value(tag=TAG, tensor=tensor, metadata=metadata)])


def read_legend(content: bytes) -> Legend:
    """The legend in a series' metadata; ValueError, in a sentence, for anything else."""
    try:
        fields = json.loads(content)
        groups = {str(group): tuple(map(str, names)) for group, names in fields.pop("groups").items()}
        legend = Legend(
            **{name: tuple(fields[name]) for name in ("layers", "sizes", "objectives", "extra_rows", "coefficients")},
            groups=groups,
            combiner=str(fields["combiner"]),
        )
        whole = len(legend.layers) == len(legend.sizes) and len(legend.objectives) == len(legend.coefficients)
        known = set(legend.objectives) >= {name for names in groups.values() for name in names}
        texts = all(isinstance(name, str) for name in (*legend.layers, *legend.rows))
        numbers = all(isinstance(x, int | float) for x in (*legend.sizes, *legend.coefficients))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"its metadata is not a legend of Gramians ({type(error).__name__})") from None
    if not (whole and known and texts and numbers):
        raise ValueError("its metadata is not a legend of Gramians: its lists do not fit together")
    return legend
