"""What a run shows in TensorBoard.

Empty on purpose: TensorBoard imports `rl.tensorboard.plugin` when it starts, and what stands here with it.
"""
