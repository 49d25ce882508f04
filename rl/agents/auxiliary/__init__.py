"""Auxiliary objectives on the torso, one file each; `auxiliary: [name, …]` chooses any number of them."""

from rl.agents.auxiliary.auxiliary import RESERVED, Auxiliary
from rl.agents.auxiliary.correction import Correction
from rl.agents.auxiliary.decorrelation import Decorrelation
from rl.agents.auxiliary.inverse_dynamics import InverseDynamics
from rl.agents.auxiliary.next_observation import NextObservation
from rl.agents.auxiliary.reward_prediction import RewardPrediction
from rl.agents.auxiliary.self_prediction import SelfPrediction
from rl.agents.auxiliary.termination import Termination

__all__ = [
    "RESERVED",
    "Auxiliary",
    "Correction",
    "Decorrelation",
    "InverseDynamics",
    "NextObservation",
    "RewardPrediction",
    "SelfPrediction",
    "Termination",
]
