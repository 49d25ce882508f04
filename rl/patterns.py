"""Patterns that select weights, by the part of the network that they belong to or by their own names."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from rl.errors import require


def matches(pattern: str, part: str, name: str) -> bool:
    """Whether a pattern (`fnmatch`, case-sensitive) matches a weight's part (`torso`) or its own name (`*/bias`)."""
    return fnmatchcase(part, pattern) or fnmatchcase(name, pattern)


def masks_of(
    patterns: Iterable[str], names: Mapping[str, tuple[str, ...]], *, key: str
) -> dict[str, dict[str, tuple[bool, ...]]]:
    """{pattern: {part: for each of its weights, whether the pattern matches it}}.

    Args:
        patterns: the patterns.
        names: {part: names of its weights} of the whole network.
        key: the config key of the patterns, for the message.
    Raises: ConfigError if a pattern matches nothing.
    """
    masks = {
        pattern: {part: tuple(matches(pattern, part, name) for name in weights) for part, weights in names.items()}
        for pattern in patterns
    }
    for pattern, mask in masks.items():
        require(
            any(one for own in mask.values() for one in own),
            f"{key} has the pattern {pattern!r}, which matches no part of the network; the parts are "
            f"{', '.join(names)}, and a weight's name looks like {next(iter(names.values()))[0]}.",
        )
    return masks
