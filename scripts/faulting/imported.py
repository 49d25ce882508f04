"""Imports of the process from which the campaign's processes are forked; it executes no operation."""

import gc
import os
from pathlib import Path

from rl.runtime import prepare

prepare()

import hydra  # noqa: F401
import tensorflow  # noqa: F401

import rl.runs.run  # noqa: F401

gc.freeze()  # what is imported stays: no process looks through it for what is unused

_PLACES = os.environ.pop("PYTHONPATH", "").split(os.pathsep)
if _GIVEN := [place for place in _PLACES if place not in ("", str(Path(__file__).resolve().parent.parent))]:
    os.environ["PYTHONPATH"] = os.pathsep.join(_GIVEN)  # without what `commands` added for this import
