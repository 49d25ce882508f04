"""Tapestry as a library: rows of any model, a gradient log for any framework, experiments in Python."""
