"""Imports of the process from which the campaign's processes are forked; it executes no operation."""

from rl.runtime import prepare

prepare()

import hydra  # noqa: F401
import tensorflow  # noqa: F401

import rl.runs.run  # noqa: F401
