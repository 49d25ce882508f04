"""Tapestry: actor-critic agents on a shared torso, a gradient row for each objective, explicit update rules."""

__version__ = "0.1.0"
