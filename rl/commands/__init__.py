"""The commands: train, evaluate, inspect and report. No other package imports Hydra."""
