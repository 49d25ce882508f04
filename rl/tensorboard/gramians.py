"""Gramians in event files: one tensor per moment, with the meaning of its axes in the metadata. No TensorFlow."""

import json
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_TENSOR, Summary, SummaryMetadata
from tensorboard.util import tensor_util

from rl import plain_json
from rl.tensorboard.combiner_options import combiner_name

PLUGIN = "gradients"
"""The plugin's name in event files and in TensorBoard's URLs."""
TAG = "gradient/gramian"
"""The tag of the Gramians; a run has one such series."""
MAX_MOMENTS = 2000
"""Number of moments that TensorBoard keeps per run. Its default for third-party tensors is a random 10 or 100."""
MAX_LAYERS, MAX_ROWS, MAX_CELLS = 2000, 64, 200_000
"""Limits on L, on R and on L · R² of the Gramians [L, R, R] that are read."""
MAX_WEIGHTS = 10**12
"""Limit on the number of weights in a layer."""
MAX_COEFFICIENT = 1e12
"""Limit on the absolute value of a coefficient."""
MAX_NAME = 200
"""Limit on the length of a name, in characters."""
_MAX_LEGEND = 1 << 20  # bytes of JSON; 2,000 layers with names of 200 characters take less than half of it


class Legend(NamedTuple):
    """The meaning of the axes of a run's Gramians [L, R, R]. Charts, colours and tables take all names from here."""

    layers: tuple[str, ...]
    """Names of the L shared layers; empty if the network shares no weights."""
    sizes: tuple[int, ...]
    """Number of weights in each layer."""
    objectives: tuple[str, ...]
    """Names of the first m rows, the objectives' raw gradients."""
    extra_rows: tuple[str, ...]
    """Names of the other R − m rows."""
    coefficients: tuple[float, ...]
    """c_i of each objective in the total loss; the initial value if it follows a schedule."""
    groups: Mapping[str, tuple[str, ...]]
    """{group: the objectives that the first update's combiner takes as one row}; other updates' objectives in none."""
    combiner: str
    """The run's option of `combiner=`, or the combiner's class name if it has no option."""
    settings: Mapping[str, Any] = MappingProxyType({})
    """The combiner's settings, {field: value}."""
    changing: tuple[str, ...] = ()
    """The objectives whose coefficients follow a schedule."""

    @property
    def rows(self) -> tuple[str, ...]:
        """The names along both row axes, R of them."""
        return (*self.objectives, *self.extra_rows)

    @property
    def reference(self) -> str:
        """The first objective, whose norm is the denominator of `gradient/norm_ratio/…`; "" if there is none."""
        return self.objectives[0] if self.objectives else ""

    @property
    def leads(self) -> tuple[str, ...]:
        """The first objective of each group, and those in no group: the rows to compare if one per group is enough.

        All objectives if these are fewer than two, since one row leaves nothing to compare.
        """
        grouped = {name for members in self.groups.values() for name in members}
        firsts = [members[0] for members in self.groups.values() if members]
        leads = tuple(dict.fromkeys([*firsts, *(name for name in self.objectives if name not in grouped)]))
        return leads if len(leads) > 1 else self.objectives


def gramian_summary(gramian: np.ndarray, legend: Legend) -> Summary:
    """The summary of one moment, with the legend as JSON in its metadata.

    The tensor is [L, R, R] float64, since combiners computed from it later need full precision. TensorBoard keeps only
    the metadata of a tag's first summary. It must name the data class, which TensorBoard fills in only for its own
    plugins.

    Args:
        gramian: [L, R, R], the rows in the order of `legend.rows`.
    """
    metadata = SummaryMetadata(data_class=DATA_CLASS_TENSOR, summary_description="Gramians of the rows, layer by layer")
    metadata.plugin_data.plugin_name = PLUGIN
    fields = {**legend._asdict(), "settings": dict(legend.settings)}
    metadata.plugin_data.content = plain_json.dumps(fields).encode()
    tensor = tensor_util.make_tensor_proto(np.asarray(gramian, np.float64))
    return Summary(value=[Summary.Value(tag=TAG, tensor=tensor, metadata=metadata)])


def read_legend(content: bytes) -> Legend:
    """The legend in a series' metadata.

    Names, counts and numbers are bounded (see the limits above), so code that draws a legend need not check them
    again. Settings that no combiner of this package could have are dropped.

    Raises: ValueError, with one sentence, for anything that is not a legend or exceeds a limit.
    """
    try:
        if len(content) > _MAX_LEGEND:
            raise OverflowError
        fields = json.loads(content)
        settings = {key: x for key, x in _mapping(fields["settings"]).items() if _is_flat(key) and _is_flat(x)}
        legend = Legend(
            **{name: _sequence(fields[name]) for name in ("layers", "sizes", "objectives", "extra_rows")},
            coefficients=_sequence(fields["coefficients"]),
            groups={group: _sequence(names) for group, names in fields["groups"].items()},
            combiner=combiner_name(fields["combiner"], settings),
            settings=settings,
            changing=_sequence(fields.get("changing", [])),
        )
        is_consistent = _is_consistent(legend)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"its metadata is not a legend of Gramians ({type(error).__name__})") from None
    if not is_consistent:
        raise ValueError("its metadata is not a legend of Gramians: its lists contradict one another")
    problem = exceeded_limit(legend)
    if problem is not None:
        raise ValueError(f"its metadata is not a legend of Gramians: {problem}")
    return legend


def _sequence(node: Any) -> tuple:
    """A JSON list as a tuple; TypeError for anything else, since `tuple` would split a string into its characters."""
    if not isinstance(node, list):
        raise TypeError(node)
    return tuple(node)


def _mapping(node: Any) -> dict:
    """A JSON object, unchanged; TypeError for anything else."""
    if not isinstance(node, dict):
        raise TypeError(node)
    return node


def _is_flat(node: Any) -> bool:
    """Whether a value may be a combiner's setting: None, a short string, a finite number, or a flat list of these."""
    if isinstance(node, list):
        return len(node) <= MAX_ROWS and all(_is_flat(x) and not isinstance(x, list) for x in node)
    if isinstance(node, int | float):
        return abs(node) <= MAX_WEIGHTS  # false for NaN and infinities
    return node is None or (isinstance(node, str) and len(node) <= MAX_NAME)


def _is_consistent(legend: Legend) -> bool:
    """Whether types are right, names are unique, lists of one axis have equal lengths, and groups name objectives."""
    grouped = [name for names in legend.groups.values() for name in names]
    texts, numbers = (*legend.layers, *legend.rows, legend.combiner), (*legend.sizes, *legend.coefficients)
    return (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(x, int | float) and abs(x) < math.inf for x in numbers)
        and all(size >= 0 for size in legend.sizes)
        and len(legend.layers) == len(set(legend.layers)) == len(legend.sizes)
        and len(legend.rows) == len(set(legend.rows))
        and len(legend.objectives) == len(legend.coefficients)
        and {*grouped, *legend.changing} <= set(legend.objectives)
        and (bool(grouped) or not legend.layers)
    )


def exceeded_limit(legend: Legend) -> str | None:
    """The first limit that a legend exceeds, in words; integers are not converted, since 10**400 has no float."""
    names = (*legend.layers, *legend.rows, *legend.groups, legend.combiner)
    num_layers, num_rows = len(legend.layers), len(legend.rows)
    limits = {
        f"it has more than {MAX_LAYERS} layers": num_layers <= MAX_LAYERS,
        f"it has more than {MAX_ROWS} rows": num_rows <= MAX_ROWS,
        f"it has more than {MAX_ROWS} groups": len(legend.groups) <= MAX_ROWS,
        f"a Gramian has more than {MAX_CELLS} numbers": num_layers * num_rows**2 <= MAX_CELLS,
        f"a name has more than {MAX_NAME} letters": all(len(name) <= MAX_NAME for name in names),
        f"a layer has more than {MAX_WEIGHTS} weights": all(size <= MAX_WEIGHTS for size in legend.sizes),
        f"a coefficient is beyond ±{MAX_COEFFICIENT:g}": all(abs(x) <= MAX_COEFFICIENT for x in legend.coefficients),
    }
    return next((problem for problem, within in limits.items() if not within), None)
