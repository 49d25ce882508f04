"""Four games of MinAtar written in TensorFlow, each identical to the original game frame by frame.

Frames are [N, 10, 10, C] float32, 0 or 1, with one channel per kind of object.
"""

from rl.environments.compiled.minatar.asterix import Asterix
from rl.environments.compiled.minatar.breakout import Breakout
from rl.environments.compiled.minatar.freeway import Freeway
from rl.environments.compiled.minatar.space_invaders import SpaceInvaders

__all__ = ["Asterix", "Breakout", "Freeway", "SpaceInvaders"]
