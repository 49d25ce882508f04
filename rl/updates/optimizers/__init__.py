"""Optimizers: from a gradient to a step, as pure functions on tensors."""

from rl.updates.optimizers.adam import Adam, AdamW
from rl.updates.optimizers.momentum import Momentum, Nesterov
from rl.updates.optimizers.optimizer import Optimizer, Slots, Tensors, Update
from rl.updates.optimizers.rmsprop import RMSProp
from rl.updates.optimizers.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Momentum", "Nesterov", "Optimizer", "RMSProp", "Slots", "Tensors", "Update"]
