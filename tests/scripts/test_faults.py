"""Killed at any file operation, a run goes on to what it would have been: the short form of the fault campaign."""

import sys

import pytest

pytest.importorskip("rl.training.run")
