"""Gramians [L, R, R] in NumPy, from the rows of any framework, and checks of Gramians that a user computed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rl.errors import ConfigError, require

TOLERANCE = 1e-3
"""Relative rounding that a given Gramian may have, in its symmetry and in its smallest eigenvalue: that of float32 sums
over many weights, and more."""


def gramian_of_rows(
    rows: Mapping[str, Any], names: Sequence[str], layers: Sequence[str]
) -> tuple[np.ndarray, tuple[int, ...]]:
    """The Gramian of each layer, G[l, i, j] = <J_l[i], J_l[j]>, in float64.

    Args:
        rows: {row: one entry per layer}, as `GradientLog.write` describes them.
        names: the R rows, in the Gramian's order.
        layers: the L layers.
    Returns: ([L, R, R] float64, exactly symmetric; the number of weights in each layer).
    Raises: ConfigError for wrong names, numbers of layers or shapes, and for entries that are not real numbers.
    """
    given = ", ".join(map(repr, rows))
    require({*rows} == {*names}, f"rows: {given or 'nothing'} was given; the rows of this log are {', '.join(names)}.")
    by_row = [_by_layer(rows[name], name, layers) for name in names]
    gramians, sizes = [], []
    for k, layer in enumerate(layers):
        vectors = [_flat(row[k], f"rows[{name!r}] in layer {layer!r}") for name, row in zip(names, by_row, strict=True)]
        for name, vector in zip(names, vectors, strict=True):
            require(
                len(vector) == len(vectors[0]),
                f"rows[{name!r}] has {len(vector):,} numbers in layer {layer!r}, rows[{names[0]!r}] has "
                f"{len(vectors[0]):,}; all rows are gradients with respect to the same weights.",
            )
        jacobian = np.stack(vectors)
        with np.errstate(invalid="ignore", over="ignore"):
            products = jacobian @ jacobian.T
        gramians.append((products + products.T) / 2)
        sizes.append(jacobian.shape[1])
    return np.stack(gramians), tuple(sizes)


def checked_gramian(gramian: Any, names: Sequence[str], layers: Sequence[str]) -> np.ndarray:
    """A given Gramian as [L, R, R] float64, symmetric.

    Args:
        gramian: [L, R, R], [R, R] for a single layer, or {layer: [R, R]}.
        names: the R rows, in the Gramian's order.
        layers: the L layers.
    Raises: ConfigError for another shape, and where a layer's matrix is not symmetric or has a negative eigenvalue
        beyond rounding, which no inner products have. Layers with non-finite entries are not checked.
    """
    if isinstance(gramian, Mapping):
        given = ", ".join(map(repr, gramian))
        require({*gramian} == {*layers}, f"gramian: it has the layers {given}; this log has {', '.join(layers)}.")
        gramian = [gramian[layer] for layer in layers]
    array, rows = _numbers(gramian, "gramian"), len(names)
    array = array[None] if array.ndim == 2 and len(layers) == 1 else array
    require(
        array.shape == (len(layers), rows, rows),
        f"gramian: its shape is {list(array.shape)}; with {len(layers)} layers and {rows} rows it must be "
        f"{[len(layers), rows, rows]}.",
    )
    for layer, matrix in zip(layers, array, strict=True):
        if np.isfinite(matrix).all():
            _check(matrix, f"gramian in layer {layer!r}")
    return (array + array.swapaxes(1, 2)) / 2


def _check(matrix: np.ndarray, what: str) -> None:
    """Raises ConfigError if a finite matrix [R, R] cannot be a Gramian; it is checked on unit rows, free of scales."""
    squares = np.diagonal(matrix)
    smallest = float(squares.min())
    require(smallest >= 0, f"{what}: it has {smallest:g} on its diagonal, which holds squared norms and is at least 0.")
    lengths = np.sqrt(squares)
    known = lengths > 0
    unit = matrix / np.where(known, lengths, 1.0)[:, None] / np.where(known, lengths, 1.0)
    difference = float(np.abs(unit - unit.T).max())
    require(
        difference <= TOLERANCE, f"{what}: it is not symmetric; entries (i, j) and (j, i) must be equal, as J Jᵀ's are."
    )
    least = float(np.linalg.eigvalsh(unit).min())
    require(
        least >= -TOLERANCE * len(matrix),
        f"{what}: it has the negative eigenvalue {least:g} on unit rows; a matrix of inner products J Jᵀ has none.",
    )


def _by_layer(row: Any, name: str, layers: Sequence[str]) -> list:
    """The row's entries in the order of the layers, from {layer: entry} or a sequence with one entry per layer."""
    if isinstance(row, Mapping):
        missing = [layer for layer in layers if layer not in row]
        require(
            not missing, f"rows[{name!r}] has no layer {missing and missing[0]!r}; it has {', '.join(map(str, row))}."
        )
        return [row[layer] for layer in layers]
    try:
        entries = list(row)
    except TypeError:
        raise ConfigError(f"rows[{name!r}] is {row!r:.80}; a row is a list with one array for each layer.") from None
    require(
        len(entries) == len(layers),
        f"rows[{name!r}] has {len(entries)} entries; a row has one for each of the layers {', '.join(layers)}.",
    )
    return entries


def _flat(entry: Any, what: str) -> np.ndarray:
    """An entry as one vector [P] float64: an array, or a list or mapping of arrays (kernel, bias) laid end to end."""
    if isinstance(entry, Mapping):
        entry = list(entry.values())
    if isinstance(entry, list | tuple) and not all(isinstance(x, int | float) for x in entry):
        return np.concatenate([_flat(one, what) for one in entry])
    return _numbers(entry, what).ravel()


def _numbers(entry: Any, what: str) -> np.ndarray:
    """Anything that np.asarray takes, as float64; ConfigError for what is not real numbers, None above all."""
    try:
        array = np.asarray(entry)
        if array.dtype.kind in "OSUMmc":  # np.asarray(None, np.float64) would be NaN without a word
            raise TypeError(f"its type is {'None' if entry is None else array.dtype}")
        return array.astype(np.float64)
    except Exception as error:  # each framework has its own: a tensor on a GPU, one that requires a gradient
        reason = f"{error}".split("\n")[0]
        raise ConfigError(
            f"{what}: it cannot be read as an array of real numbers ({reason}); pass detached arrays on the CPU, and "
            "zeros where a loss does not depend on the weights."
        ) from None
