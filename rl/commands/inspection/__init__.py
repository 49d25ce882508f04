"""The commands of `inspect`: what the gradients of an agent or of a run do, without training.

Each file has one command: `add` registers it with its options, and a function of the command's name runs it. `audit`,
`rows` and `what_if` restore a checkpoint and need TensorFlow; `compare` reads logs and does not.
"""
