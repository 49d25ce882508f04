"""The checked arguments of a request; each error is reported in one sentence.

Whole numbers are matched by their digits before they are converted: Python's `int` also takes signs, underscores and
digits of other scripts.
"""

import math
import re

from werkzeug.datastructures import MultiDict

from rl.tensorboard.gramians import Legend
from rl.tensorboard.plugin.quantities import QUANTITIES, takes_two
from rl.tensorboard.plugin.source import Listing

MAX_POINTS = 1000
"""Limit on the points of a line, about the width of a screen in pixels."""


class BadRequestError(ValueError):
    """A request that cannot be answered; the message is sent to the page with status 400."""


class Request:
    """The arguments of a request. Each method returns one of them, and raises BadRequestError if it is invalid."""

    def __init__(self, arguments: MultiDict, listings: dict[str, Listing]):
        """
        Args:
            arguments: the query, in which a key may occur several times.
            listings: {run: listing} of the existing runs.
        """
        self._arguments, self._listings = arguments, listings

    def run(self) -> str:
        """`run`, which must be drawable."""
        run = self._one("run")
        self._check_run(run)
        problem = self._listings[run].problem
        if problem is not None:
            raise BadRequestError(f"run {run!r} cannot be drawn: {problem}.")
        return run

    def runs(self) -> list[str]:
        """All `run`s in order, each once; runs that cannot be drawn are included."""
        runs = list(dict.fromkeys(self._arguments.getlist("run")))
        if not runs:
            raise BadRequestError("no run is named: add run=<name>, once or more often.")
        for run in runs:
            self._check_run(run)
        return runs

    def points(self, key: str = "points") -> int:
        """The largest number of points in a line, 2 to `MAX_POINTS`; 300 by default."""
        given = self._arguments.get(key, "300")
        if not re.fullmatch(r"[0-9]{1,6}", given) or not 2 <= int(given) <= MAX_POINTS:
            raise BadRequestError(f"{key} is {given!r}; it must be a whole number from 2 to {MAX_POINTS}.")
        return int(given)

    def step(self) -> float:
        """The environment step; by default infinity, which means the newest moment."""
        given = self._arguments.get("step")
        if given is None:
            return math.inf
        if not re.fullmatch(r"[0-9]{1,18}", given):
            raise BadRequestError(f"step is {given!r}; it must be a whole number from 0 on.")
        return int(given)

    def scope(self) -> str:
        """A combiner's scope, `global` by default."""
        given = self._arguments.get("scope", "global")
        if given not in ("global", "layer"):
            raise BadRequestError(f"scope is {given!r}; allowed are 'global' and 'layer'.")
        return given

    def quantity(self) -> str:
        """A key of `QUANTITIES`."""
        given = self._one("quantity")
        if given not in QUANTITIES:
            raise BadRequestError(f"quantity is {given!r}; allowed are {', '.join(QUANTITIES)}.")
        return given

    def row_names(self, quantity: str) -> tuple[str, str]:
        """The rows `a` and `b` of a quantity; "" for `b` if the quantity takes one row. See `check_rows`."""
        return self._one("a"), self._one("b") if takes_two(quantity) else ""

    def _one(self, key: str) -> str:
        """The argument that must be given exactly once."""
        given = self._arguments.getlist(key)
        if len(given) != 1:
            raise BadRequestError(f"{key} is given {len(given)} times; it is needed once.")
        return given[0]

    def _check_run(self, run: str) -> None:
        """Raises BadRequestError for a run that TensorBoard does not have."""
        if run not in self._listings:
            raise BadRequestError(f"run {run!r} is unknown, or has no Gramians.")


def has_rows(legend: Legend, quantity: str, a: str, b: str) -> bool:
    """Whether a run has the rows that a quantity needs; a share is defined for objectives only."""
    firsts = legend.objectives if quantity == "share" else legend.rows
    return a in firsts and (not takes_two(quantity) or b in legend.rows)


def check_rows(run: str, legend: Legend, quantity: str, a: str, b: str) -> None:
    """Raises BadRequestError, which names the allowed rows, if a run lacks the rows that a quantity needs."""
    if not has_rows(legend, quantity, a, b):
        allowed = ", ".join(legend.objectives if quantity == "share" else legend.rows)
        given = f"a={a!r} and b={b!r}" if takes_two(quantity) else f"a={a!r}"
        raise BadRequestError(f"{given} are not rows of run {run!r} with a {quantity}; allowed are {allowed}.")
