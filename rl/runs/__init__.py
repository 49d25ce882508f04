"""What lasts: a run's loop, its directory, its log and checkpoints, and its evaluation.

One side writes, during training: `run` and `loop` drive the programs of `rl.learning`, `record` and `log` write what
they return, `directory` owns the folder and its lock. The other side reads, afterwards or meanwhile: `reader`, with
`metrics_file` and `summary_file`. `layout` has the names that both use.
"""
