"""Instruments that observe training without influencing it: evidence, probes, oracle, what-if, audit and diagnosis.

They replay an iteration from its state and trajectory, as pure functions; nothing that they compute is applied.
"""
