"""The tags of norms, cosines, conflict and attribution of rows, for numbers from TensorFlow and from NumPy alike.

The probes log tensors under these tags, `GradientLog` NumPy arrays. A number below is a value that indexing an array
yields: [] of whatever library the array belongs to.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rl.errors import require


def norm_tags(
    norms: Mapping[str, Any],
    head_norms: Mapping[str, Any],
    ratios: Mapping[str, Any],
    by_layer: Any,
    objectives: Sequence[str],
    layers: Sequence[str],
) -> dict[str, Any]:
    """{tag: number} of the raw rows' norms.

    Args:
        norms: {objective: norm over all shared weights}.
        head_norms: {head: norm of its own gradient}.
        ratios: {objective: norm over that of the first objective}, of the others.
        by_layer: [L, m]; not read without layers.
        objectives: names of the m rows.
    """
    numbers = {f"gradient/norm/{name}": norm for name, norm in norms.items()}
    numbers |= {f"gradient/head_norm/{head}": norm for head, norm in head_norms.items()}
    numbers |= {f"gradient/norm_ratio/{name}-{objectives[0]}": ratio for name, ratio in ratios.items()}
    for i, name in enumerate(objectives):
        numbers |= {f"gradient/norm/{name}/{layer}": by_layer[l, i] for l, layer in enumerate(layers)}
    return numbers


def cosine_tags(total: Any, by_layer: Any, objectives: Sequence[str], layers: Sequence[str]) -> dict[str, Any]:
    """{tag: number} of the cosines of all pairs: `total` [m, m] over all shared weights, `by_layer` [L, m, m]."""
    numbers: dict[str, Any] = {}
    for i, j, pair in _pairs(objectives):
        numbers[f"gradient/cosine/{pair}"] = total[i, j]
        numbers |= {f"gradient/cosine/{pair}/{layer}": by_layer[l, i, j] for l, layer in enumerate(layers)}
    return numbers


def null_band_tags(sizes: Sequence[int], layers: Sequence[str]) -> dict[str, float]:
    """{tag: 2/√P} over all shared weights and for each layer, of `sizes` weights; NaN where P is 0, not known.

    2/√P is two standard deviations of the cosine of independent random directions in P dimensions.
    """
    every = {"gradient/null_band": sum(sizes)}
    every |= {f"gradient/null_band/{layer}": size for layer, size in zip(layers, sizes, strict=True)}
    return {tag: 2.0 / math.sqrt(size) if size else math.nan for tag, size in every.items()}


def conflict_tags(fractions: Any, objectives: Sequence[str]) -> dict[str, Any]:
    """{tag: number} of the fraction of layers in which a pair of rows has a negative inner product; [m, m]."""
    return {f"gradient/conflict/{pair}": fractions[i, j] for i, j, pair in _pairs(objectives)}


def attribution_tags(
    changes: Any, shares: Any, layer_shares: Any, objectives: Sequence[str], layers: Sequence[str]
) -> dict[str, Any]:
    """{tag: number} of the first-order change of each loss under the applied step, and its share of all changes.

    Args:
        changes, shares: [m], over all shared weights.
        layer_shares: [L, m].
    """
    numbers: dict[str, Any] = {}
    for i, name in enumerate(objectives):
        numbers[f"update/change/{name}"] = changes[i]
        numbers[f"update/share/{name}"] = shares[i]
        numbers |= {f"update/share/{name}/{layer}": layer_shares[l, i] for l, layer in enumerate(layers)}
    return numbers


def check_pairs(objectives: Sequence[str]) -> None:
    """Raises ConfigError where two pairs of objectives would have one tag, as those of `a`, `a-b`, `b` and `b-b`."""
    seen: dict[str, str] = {}
    for i, j, pair in _pairs(objectives):
        names = f"{objectives[i]!r} and {objectives[j]!r}"
        require(
            pair not in seen,
            f"objectives: {seen.get(pair)} would be logged as {pair}, and so would {names}; rename one of them.",
        )
        seen[pair] = names


def _pairs(objectives: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """(i, j, `a-b`) of all pairs of objectives, in the legend's order."""
    for (i, a), (j, b) in itertools.combinations(enumerate(objectives), 2):
        yield i, j, f"{a}-{b}"
