"""Combiners: from the Gramian of the rows to one weight a row. One paper a file."""

from rl.updates.combiners.combiner import Combiner
from rl.updates.combiners.config import ConFIG, config_weights
from rl.updates.combiners.imtl_g import IMTLG, imtl_g_weights
from rl.updates.combiners.mgda import MGDA, mgda_weights
from rl.updates.combiners.only import Only
from rl.updates.combiners.pcgrad import PCGrad, pcgrad_weights
from rl.updates.combiners.sum import Mean, Sum

__all__ = [
    "IMTLG",
    "MGDA",
    "Combiner",
    "ConFIG",
    "Mean",
    "Only",
    "PCGrad",
    "Sum",
    "config_weights",
    "imtl_g_weights",
    "mgda_weights",
    "pcgrad_weights",
]
