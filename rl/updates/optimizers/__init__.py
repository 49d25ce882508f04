"""Optimizers turn a gradient into a step Δw, as pure functions on tuples of tensors. One per file.

g is the gradient of a loss to minimise, α a tensor's learning rate. `UpdateRule` clips g first; `apply_step` adds Δw.
"""

from rl.updates.optimizers.adam import Adam, AdamW
from rl.updates.optimizers.momentum import Momentum, Nesterov
from rl.updates.optimizers.optimizer import Optimizer, Slots, Tensors, Update
from rl.updates.optimizers.rmsprop import RMSProp
from rl.updates.optimizers.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Momentum", "Nesterov", "Optimizer", "RMSProp", "Slots", "Tensors", "Update"]
