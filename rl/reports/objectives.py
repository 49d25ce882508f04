"""Which objectives' rows are compared, and by which tags: derived from what each run logged, not from their names."""

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


class Measure(NamedTuple):
    """A number on the row of one objective or on the rows of two, on all shared weights together.

    kind: `ratio` |J_b| / |J_a|, `cosine` of J_a and J_b, `conflict` (the share of layers where it is negative), `share`
    of the applied step that serves a, or `step_cosine` of J_a and −Δw. objectives: (a, b) or (a,). tag: in metrics.csv.
    """

    kind: str
    objectives: tuple[str, ...]
    tag: str


def leading(tags: Collection[str], settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The leading objective of each group, those that have logged rows; the reference objective comes first.

    The reference is the objective whose norm all others' are divided by in `gradient/norm_ratio/…`. It leads its group;
    elsewhere the member with the largest coefficient does. Where the settings have no groups, each objective is one.

    Args:
        tags: of metrics.csv.
        settings: {dotted key: value} of the config, with `agent.groups.<group>`, a list of objectives, and
            `agent.coefficients.<objective>`.
    """
    names = objectives(tags)
    reference = [name for name in names if any(tag in tags for tag in _ratios_to(name, names))]
    groups = [value for key, value in settings.items() if key.startswith("agent.groups.")]
    members = [[name for name in group if name in names] for group in groups if isinstance(group, list | tuple)]

    def coefficient(name: str) -> float:
        return abs(settings.get(f"agent.coefficients.{name}", 1.0))

    found = [
        next((name for name in group if name in reference), max(group, key=coefficient))
        for group in (members if any(members) else [[name] for name in names])
        if group
    ]
    return tuple(dict.fromkeys([*(name for name in found if name in reference), *found]))


def objectives(tags: Iterable[str]) -> list[str]:
    """The objectives that the tags name, in their order."""
    tags = list(tags)
    alone = [name for tag in tags if (match := _NAMING.fullmatch(tag)) for name in match.groups() if name]
    pairs = [name for tag in tags if (match := _NAMING_BOTH.fullmatch(tag)) for name in match.groups()]
    return list(dict.fromkeys([*alone, *pairs]))


def measures(runs: Iterable[tuple[Sequence[str], Collection[str]]]) -> list[Measure]:
    """The measures of the leading objectives that at least one run logged, by kind.

    runs: (leading objectives, tags of metrics.csv) of each run.
    """
    found = dict.fromkeys(measure for leads, tags in runs for measure in _conceivable(leads) if measure.tag in tags)
    return sorted(found, key=lambda measure: KINDS.index(measure.kind))


def _conceivable(names: Sequence[str]) -> Iterator[Measure]:
    """All measures of some objectives; a pair is logged in one order or the other."""
    for a, b in itertools.permutations(names, 2):
        yield from (Measure(kind, (a, b), tag.format(a=a, b=b)) for kind, tag in _PAIR_TAGS.items())
    for a in names:
        yield from (Measure(kind, (a,), tag.format(a=a)) for kind, tag in _OWN_TAGS.items())


def _ratios_to(name: str, names: Sequence[str]) -> list[str]:
    return [_PAIR_TAGS["ratio"].format(a=name, b=other) for other in names if other != name]
