"""Probes: pure functions from the evidence of one update to {TensorBoard tag: scalar}.

A probe changes no weight: training is bit-identical with all probes and with none. README.md explains how to read each.
"""

from collections.abc import Callable, Mapping

import tensorflow as tf

from rl.gradients.probes.attribution import attribution
from rl.gradients.probes.chain import chain
from rl.gradients.probes.changes import measured_change
from rl.gradients.probes.cosines import conflict_fraction, row_cosines
from rl.gradients.probes.cross_batch import cross_batch_cosines
from rl.gradients.probes.curvature import curvature
from rl.gradients.probes.drift import drift
from rl.gradients.probes.evidence import EXTRA_ROWS, CopyDrift, Evidence
from rl.gradients.probes.features import feature_gradients
from rl.gradients.probes.interference import interference
from rl.gradients.probes.kernels import weight_spectra
from rl.gradients.probes.noise import sample_noise
from rl.gradients.probes.norms import row_norms
from rl.gradients.probes.representation import representation
from rl.gradients.probes.staleness import staleness
from rl.gradients.probes.through_target import through_target
from rl.gradients.probes.units import silent_units
from rl.gradients.probes.update_ratio import update_ratio

Probe = Callable[[Evidence], dict[str, tf.Tensor]]
"""A function from the evidence of one update to {tag: [] float}."""

PROBES: Mapping[str, Probe] = {
    "norms": row_norms,
    "cosines": row_cosines,
    "conflict": conflict_fraction,
    "chain": chain,
    "attribution": attribution,
    "update_ratio": update_ratio,
    "drift": drift,
    "cross_batch": cross_batch_cosines,
    "noise": sample_noise,
    "interference": interference,
    "measured_change": measured_change,
    "curvature": curvature,
    "staleness": staleness,
    "through_target": through_target,
    "features": feature_gradients,
    "representation": representation,
    "units": silent_units,
    "weights": weight_spectra,
}
"""{name in `probe.names`: probe}."""


__all__ = ["EXTRA_ROWS", "PROBES", "CopyDrift", "Evidence", "Probe"]
