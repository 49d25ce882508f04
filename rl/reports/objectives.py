"""Which objectives' rows a report compares, and by which tags; derived from what each run logged, not from names.

For PPO, with groups actor = {policy, entropy} and critic = {value}, these are policy and value: one pair with its norm
ratio, cosine and conflict, and for each of the two its share of the step and its cosine with the step. An agent with
three groups has three leading objectives and three pairs.
"""

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

KINDS = ("ratio", "cosine", "conflict", "share", "step_cosine")
"""Kinds of measures, in the order of tables' columns."""
_PAIR_TAGS = {
    "ratio": "gradient/norm_ratio/{b}-{a}",
    "cosine": "gradient/cosine/{a}-{b}",
    "conflict": "gradient/conflict/{a}-{b}",
}
_OWN_TAGS = {"share": "update/share/{a}", "step_cosine": "update/cosine/{a}-applied"}
_NAMING = re.compile(r"(?:gradient/norm|update/share)/([^/]+)|update/cosine/(?!combined-)([^/]+)-applied")
_NAMING_BOTH = re.compile(r"gradient/(?:norm_ratio|cosine|conflict)/([^/-]+)-([^/-]+)")
_FIRST_OF = ("start", "value", "values")
"""Fields of `rl.schedules` that hold the first value, or a list that begins with it."""


class Measure(NamedTuple):
    """A number on the rows J of one or two objectives with respect to the shared weights.

    kind: one of
        `ratio`        |J_b| / |J_a|, above 0;
        `cosine`       of J_a and J_b, −1 to 1;
        `conflict`     the share of the layers in which that cosine is negative, 0 to 1;
        `share`        c_a J_a·Δw over the sum of all |c_i J_i·Δw|, −1 to 1, negative where it lowers a's loss;
        `step_cosine`  of J_a and −Δw, −1 to 1.
    objectives: (a, b), or (a,) for the last two. tag: its column in metrics.csv.
    """

    kind: str
    objectives: tuple[str, ...]
    tag: str


def leading(tags: Collection[str], settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The leading objective of each group, among those whose rows were logged; the reference objective comes first.

    The reference is the objective whose norm is the denominator in `gradient/norm_ratio/…`. It leads its group. Other
    groups are led by the member with the largest absolute coefficient; ties go to the first. Without groups in the
    settings, each objective is a group of its own.

    Args:
        tags: of metrics.csv.
        settings: {dotted key: value} of the config, with `agent.groups.<group>`, a list of objectives, and
            `agent.coefficients.<objective>`, 1 where it is missing; of a schedule its first value counts.
    Returns: names, the reference first, then in the order of the groups; empty if no row was logged.
    """
    names = objectives(tags)
    reference = [name for name in names if any(tag in tags for tag in _ratios_to(name, names))]
    groups = [value for key, value in settings.items() if key.startswith("agent.groups.")]
    members = [[name for name in group if name in names] for group in groups if isinstance(group, list | tuple)]

    def coefficient(name: str) -> float:
        key = f"agent.coefficients.{name}"
        given = (settings[one] for one in (key, *(f"{key}.{field}" for field in _FIRST_OF)) if one in settings)
        first = next(given, 1.0)
        return abs(first[0] if isinstance(first, list | tuple) else first)

    found = [
        next((name for name in group if name in reference), max(group, key=coefficient))
        for group in (members if any(members) else [[name] for name in names])
        if group
    ]
    if any(members):  # an objective in no group of the config belongs to a further update of the agent
        found += [name for name in names if not any(name in group for group in members)]
    return tuple(dict.fromkeys([*(name for name in found if name in reference), *found]))


def objectives(tags: Iterable[str]) -> list[str]:
    """The objectives that tags of metrics.csv name, in the order of the tags.

    They are found in tags of one objective on all shared weights, and in those of a pair `a-b` if neither name contains
    a hyphen.
    """
    tags = list(tags)
    alone = [name for tag in tags if (match := _NAMING.fullmatch(tag)) for name in match.groups() if name]
    pairs = [name for tag in tags if (match := _NAMING_BOTH.fullmatch(tag)) for name in match.groups()]
    return list(dict.fromkeys([*alone, *pairs]))


def measures(runs: Iterable[tuple[Sequence[str], Collection[str]]]) -> list[Measure]:
    """The measures of the leading objectives that at least one run logged.

    Args:
        runs: (leading objectives, tags of metrics.csv) of each run.
    Returns: sorted by kind, in the order of `KINDS`; within a kind in the order of the runs and their objectives.
    """
    found = dict.fromkeys(measure for leads, tags in runs for measure in _conceivable(leads) if measure.tag in tags)
    return sorted(found, key=lambda measure: KINDS.index(measure.kind))


def _conceivable(names: Sequence[str]) -> Iterator[Measure]:
    """All possible measures of some objectives, with pairs in both orders, since a run logs one of them."""
    for a, b in itertools.permutations(names, 2):
        yield from (Measure(kind, (a, b), tag.format(a=a, b=b)) for kind, tag in _PAIR_TAGS.items())
    for a in names:
        yield from (Measure(kind, (a,), tag.format(a=a)) for kind, tag in _OWN_TAGS.items())


def _ratios_to(name: str, names: Sequence[str]) -> list[str]:
    """The tags of the norm ratios whose denominator is this objective's row."""
    return [_PAIR_TAGS["ratio"].format(a=name, b=other) for other in names if other != name]
