"""Combiners map the Gramian of k rows to one weight per row. One paper per file; README.md explains how to read each.

Letters in every file: g_i is row i, n_i its norm, û_i = g_i/n_i the unit row, G the Gramian, C the matrix of cosines,
w the weights, and x = Σ_i w_i g_i the update's direction.
"""

from rl.updates.combiners.aligned_mtl import AlignedMTL, aligned_mtl_weights
from rl.updates.combiners.cagrad import CAGrad, cagrad_weights
from rl.updates.combiners.combiner import Combiner
from rl.updates.combiners.config import ConFIG, config_weights
from rl.updates.combiners.dual_proj import DualProj, dual_proj_weights
from rl.updates.combiners.gradnorm import GradNorm, gradnorm_step
from rl.updates.combiners.gradvac import GradVac, gradvac_weights
from rl.updates.combiners.imtl_g import IMTLG, imtl_g_weights
from rl.updates.combiners.mgda import MGDA, mgda_weights
from rl.updates.combiners.nash_mtl import NashMTL, nash_mtl_weights
from rl.updates.combiners.only import Only
from rl.updates.combiners.pcgrad import PCGrad, pcgrad_weights
from rl.updates.combiners.random_weights import RandomWeights
from rl.updates.combiners.sum import Mean, Sum
from rl.updates.combiners.upgrad import UPGrad, upgrad_weights

__all__ = [
    "IMTLG",
    "MGDA",
    "AlignedMTL",
    "CAGrad",
    "Combiner",
    "ConFIG",
    "DualProj",
    "GradNorm",
    "GradVac",
    "Mean",
    "NashMTL",
    "Only",
    "PCGrad",
    "RandomWeights",
    "Sum",
    "UPGrad",
    "aligned_mtl_weights",
    "cagrad_weights",
    "config_weights",
    "dual_proj_weights",
    "gradnorm_step",
    "gradvac_weights",
    "imtl_g_weights",
    "mgda_weights",
    "nash_mtl_weights",
    "pcgrad_weights",
    "upgrad_weights",
]
