"""Runs: the training loop, the run directory with its log and checkpoints, and evaluation.

During training, `run` and `loop` drive the programs of `rl.learning`, `record` and `log` write what they return, and
`directory` owns the folder and its lock. `reader`, with `metrics_file` and `summary_file`, reads a run directory during
training or afterwards. `layout` has the file names that both sides use.
"""
