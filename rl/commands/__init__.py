"""The commands: train, evaluate, inspect and report; the one room that knows Hydra."""
