"""Four games of MinAtar written in TensorFlow, each equal to the original's at every frame."""

from rl.environments.compiled.minatar.asterix import Asterix
from rl.environments.compiled.minatar.breakout import Breakout
from rl.environments.compiled.minatar.freeway import Freeway
from rl.environments.compiled.minatar.space_invaders import SpaceInvaders

__all__ = ["Asterix", "Breakout", "Freeway", "SpaceInvaders"]
