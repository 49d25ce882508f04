"""A gridworld with walls and one goal."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from rl.environments.compiled.environment import EpisodeSteps
from rl.environments.compiled.tabular.finite_mdp import FiniteMDP
from rl.environments.compiled.tabular.mdp import MOST_STATES, Size, TabularMDP
from rl.errors import require
from rl.settings import NonNegativeInteger, PositiveInteger, Share, checked

Cell = Annotated[Sequence[NonNegativeInteger], Field(min_length=2, max_length=2)]
"""[row, column] from 0, the first row on top."""
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""Up, right, down, left: actions 0 to 3, as (rows, columns)."""


class GridWorld(TabularMDP):
    """Move up (0), right (1), down (2) or left (3) on a grid; the goal is terminal.

    P(s' | s, a) = (1 − slip) 1[s' = move(s, a)] + slip/4 Σ_b 1[s' = move(s, b)],  r(s, a) = P(goal | s, a)

    move(s, a) is the neighbouring cell, or s itself if a wall or the edge is in the way. The reward is 1 for the step
    into the goal, else 0.

    The states are the cells without walls, row by row; `cells` lists them as (row, column).
    """

    @checked
    def __init__(
        self,
        *,
        num_envs: PositiveInteger,
        max_episode_steps: EpisodeSteps | None,
        height: Size,
        width: Size,
        slip: Share,
        start: Cell,
        goal: Cell,
        walls: Sequence[Cell] = (),
    ):
        """
        Args:
            num_envs: N.
            max_episode_steps: steps after which an episode is truncated; None for no limit.
            height, width: numbers of rows and columns.
            slip: the probability that the move is drawn uniformly from all four instead of being the action's.
            start, goal: the first and the terminal cell, [row, column] from 0, the first row on top.
            walls: cells that cannot be entered.
        Raises: ConfigError if the grid is too large, a cell lies outside it, or start, goal and walls overlap.
        """
        require(
            height * width <= MOST_STATES,
            f"environment.height × environment.width is {height} × {width}; the grid may have {MOST_STATES:,} cells.",
        )
        closed = {_cell(wall, height, width, "walls") for wall in walls}
        first, last = _cell(start, height, width, "start"), _cell(goal, height, width, "goal")
        require(first not in closed, f"start is {list(first)}, a wall; it must be a free cell (environment.start).")
        require(last not in closed, f"goal is {list(last)}, a wall; it must be a free cell (environment.goal).")
        require(first != last, f"start and goal are both {list(first)}; they must differ (environment.start).")

        self.cells = [(row, column) for row in range(height) for column in range(width) if (row, column) not in closed]
        number = {cell: state for state, cell in enumerate(self.cells)}
        identity = np.eye(len(self.cells))
        moved = np.array(
            [[identity[number.get((r + down, c + right), s)] for down, right in MOVES] for (r, c), s in number.items()]
        )
        transition = (1 - slip) * moved + slip * moved.mean(1, keepdims=True)
        terminal = identity[number[last]] > 0
        reward = np.where(terminal[:, None], 0.0, transition[:, :, number[last]])
        super().__init__(
            num_envs=num_envs,
            max_episode_steps=max_episode_steps,
            mdp=FiniteMDP(transition, reward, terminal, identity[number[first]]),
        )


def _cell(cell: Sequence[int], height: int, width: int, name: str) -> tuple[int, int]:
    """The cell as (row, column); ConfigError that names the setting if it lies outside the grid."""
    require(
        cell[0] < height and cell[1] < width,
        f"{name} has the cell {list(cell)}; it must be [row, column] with row from 0 to {height - 1} and column from 0 "
        f"to {width - 1} (environment.{name}).",
    )
    return cell[0], cell[1]
