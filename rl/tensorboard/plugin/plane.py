"""Rows as arrows in a plane, from their Gramian alone."""

import numpy as np

_FLAT = 1e-12  # relative to the largest eigenvalue; float64 products have no digits below it


class Plane:
    """The plane spanned by the two leading principal directions of the objectives' unit rows.

    With two objectives it is the plane of their rows. Its axes are Σ_i B[k, i] u_i for the unit rows u_i, where
    B C Bᵀ = 1 for the matrix C of their cosines. The axes are rotated so that the first objective points along +y,
    and mirrored so that the second one has x ≥ 0.
    """

    def __init__(self, gramian: np.ndarray, num_objectives: int):
        """
        Args:
            gramian: [R, R] float64, the objectives first; non-finite entries count as 0.
            num_objectives: number of rows that are objectives; zero rows among them define no direction.
        """
        self._gramian = np.where(np.isfinite(gramian), gramian, 0.0)
        lengths = np.sqrt(np.maximum(np.diag(self._gramian), 0.0))
        self._objectives = np.flatnonzero(lengths[:num_objectives] > 0)
        self._lengths = lengths
        self._inverse = 1.0 / lengths[self._objectives]
        products = self._gramian[np.ix_(self._objectives, self._objectives)]
        with np.errstate(over="ignore"):  # factor by factor, since the product of the two may overflow
            cosines = np.clip(products * self._inverse[:, None] * self._inverse, -1.0, 1.0)
        values, vectors = np.linalg.eigh((cosines + cosines.T) / 2) if len(cosines) else (np.zeros(0), np.zeros((0, 0)))
        chosen = [k for k in reversed(range(len(values))) if values[k] > _FLAT * values[-1]][:2]
        axes = np.array([vectors[:, k] / np.sqrt(values[k]) for k in chosen]).reshape(
            len(chosen), len(self._objectives)
        )
        self._axes = np.concatenate([axes, np.zeros((2 - len(chosen), len(self._objectives)))])
        self._axes = _turned(self._axes, self._axes @ cosines)

    def rows(self) -> np.ndarray:
        """[R, 3]: x and y of each row, in the row's own units, and the fraction of its norm that lies in the plane."""
        return self._projected(self._gramian[self._objectives], self._lengths)

    def combinations(self, weights: np.ndarray) -> np.ndarray:
        """[n, 3]: the same for the vectors Σ_i a_i g_i, with weights a [n, m] on the objectives' rows."""
        m = weights.shape[1]
        inner = self._gramian[self._objectives, :m] @ weights.T
        squares = np.einsum("ni,ij,nj->n", weights, self._gramian[:m, :m], weights)
        return self._projected(inner, np.sqrt(np.maximum(squares, 0.0)))

    def _projected(self, inner: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """x, y and the fraction in the plane, [n, 3], of n vectors.

        Args:
            inner: inner products with the objectives' non-zero rows, [objectives, n].
            lengths: norms of the vectors, [n].
        """
        places = (self._axes @ (self._inverse[:, None] * inner)).T
        inside = np.hypot(places[:, 0], places[:, 1]) / np.where(lengths > 0, lengths, 1.0)
        return np.column_stack([places, np.minimum(np.where(lengths > 0, inside, np.nan), 1.0)])


def _turned(axes: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The axes [2, m], rotated and mirrored so that the first point lies along +y and the second has x ≥ 0.

    Args:
        places: [2, n], the points in the given axes.
    """
    if not places.shape[1] or not np.hypot(*places[:, 0]) > 0:
        return axes
    x, y = places[:, 0] / np.hypot(*places[:, 0])
    turned, seen = np.array([[y, -x], [x, y]]) @ axes, np.array([[y, -x], [x, y]]) @ places
    if places.shape[1] > 1 and seen[0, 1] < 0:
        turned[0] *= -1
    return turned
