"""What a run writes for TensorBoard, and the plugin that shows it.

This module imports nothing, since TensorBoard imports it at startup, on the way to `rl.tensorboard.plugin`.
"""
