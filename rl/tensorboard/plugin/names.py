"""Run names: which runs are seeds of one setting, and which part of the name most settings in a folder share."""

import itertools
import os
import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

_SEED = re.compile(r"^(?:(?P<rest>.*?)(?:,|__|[\s._-]))?seed[=_\- ]?(?P<seed>\d{1,18})$", re.IGNORECASE)
DEFAULTS = "defaults"
"""The label, in the tab and in reports, of a setting whose name is the shared part and nothing else."""


class Name(NamedTuple):
    """A run's name in parts."""

    heading: str
    """The folder, and the part of the name that most settings in it share."""
    label: str
    """The rest, which distinguishes the setting from the others."""
    config: str
    """The whole name without the seed, equal for all seeds of one setting."""
    seed: int | None
    """The seed; None if the name has none."""


def named(runs: Collection[str]) -> dict[str, Name]:
    """{run: its name in parts}.

    Three forms are recognised: `a/combiner-pcgrad__gamma-0.9__seed-3`, as this package names runs;
    `a/combiner=pcgrad,gamma=0.9,seed=3`, as earlier versions named them; and other names that end in a seed
    (`ppo_seed3`, `ppo/seed-3`).

    Args:
        runs: paths below the log directory, with `/`.
    """
    found = {run: _split(run) for run in runs}
    folders: dict[str, set[str]] = {}
    for folder, leaf, _ in found.values():
        folders.setdefault(folder, set()).add(leaf)
    # If a folder holds nothing but seeds of one setting, the folder's own name is the setting's.
    lone = {folder for folder, leaves in folders.items() if leaves == {""} and folder}
    moved = {
        run: (*os.path.split(folder), seed) if folder in lone else (folder, leaf, seed)
        for run, (folder, leaf, seed) in found.items()
    }
    labels = {}
    for folder in {folder for folder, _, _ in moved.values()}:
        leaves = sorted({leaf for place, leaf, _ in moved.values() if place == folder})
        for leaf, (shared, label) in _without_shared(leaves).items():
            heading = f"{folder}/{shared}" if folder else shared
            labels[folder, leaf] = heading, label or (DEFAULTS if heading else ".")
    return {
        run: Name(*labels[folder, leaf], "/".join(part for part in (folder, leaf) if part) or ".", seed)
        for run, (folder, leaf, seed) in moved.items()
    }


def _split(run: str) -> tuple[str, str, int | None]:
    """(folder, last component without the seed, seed)."""
    folder, leaf = os.path.split(run)
    seed = _SEED.match(leaf)
    return (folder, seed["rest"] or "", int(seed["seed"])) if seed else (folder, leaf, None)


def _without_shared(leaves: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Splits names into shared part and rest, {name: (shared part, rest)}.

    In names made of key-value pairs, the shared part is the pairs that more than half of the names have, in any
    position; a name that lacks one of them shares nothing. In other names it is the words with which all names begin.
    """
    if not any("=" in leaf or "__" in leaf for leaf in leaves):
        cut = _common_prefix(leaves)
        return {leaf: (leaf[:cut], leaf[cut:]) for leaf in leaves}
    pairs = {leaf: re.split(",|__", leaf) if leaf else [] for leaf in leaves}
    counts = Counter(pair for own in pairs.values() for pair in own)
    shared = [pair for pair, count in counts.items() if 2 * count > len(leaves) > 1]
    found = {}
    for leaf, own in pairs.items():
        has_all = set(shared) <= set(own)
        left = [pair for pair in own if not has_all or pair not in shared]
        found[leaf] = (", ".join(shared) if has_all else "", ", ".join(left))
    return found


def _common_prefix(leaves: Sequence[str]) -> int:
    """Length of the common prefix in characters, up to the end of a word; 0 if a name would become empty."""
    alike = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*leaves, strict=False))
    words = "".join(letters[0] for letters in alike)
    if len(leaves) < 2:
        return 0
    cut = max((end.end() for end in re.finditer(r"[\s_]|(?<!\de)-", words)), default=0)
    return cut if all(leaf[cut:] for leaf in leaves) else 0
