"""Optimizers: steps worked out by hand, an independent reference, convergence and purity."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rl.updates.optimizers import SGD, Adam, AdamW, Momentum, Nesterov, RMSProp

SHARED = {
    "learning_rate": 0.1,
    "head_learning_rate": None,
    "rates": {},
    "schedule": "constant",
    "clip_norm": None,
    "clip_value": None,
}
OWN = {
    SGD: {},
    Momentum: {"momentum": 0.5},
    Nesterov: {"momentum": 0.5},
    Adam: {"beta1": 0.5, "beta2": 0.75, "epsilon": 1.0},
    AdamW: {"beta1": 0.5, "beta2": 0.75, "epsilon": 1.0, "weight_decay": 0.25},
    RMSProp: {"decay": 0.75, "epsilon": 0.25, "epsilon_inside": True, "initial_square": 1.0},
}
ALL = pytest.mark.parametrize("kind", OWN, ids=lambda kind: kind.__name__)
FLOAT32 = 1e-6  # a dozen float32 roundings of 6e-8

# A kernel, a bias and a scalar, and three gradients of each, of size 1.
WEIGHTS = tuple(tf.constant(np.random.default_rng(0).normal(size=shape), tf.float32) for shape in ((3, 2), (2,), ()))
GRADIENTS = [
    tuple(tf.constant(np.random.default_rng(seed).normal(size=w.shape), tf.float32) for w in WEIGHTS)
    for seed in (1, 2, 3)
]


@pytest.fixture(name="make")
def factory():
    """An optimizer of a class, with some of the fields above replaced."""
    return lambda kind, **fields: kind(**SHARED | OWN[kind] | fields)


def _steps(optimizer, gradients, weights, rates=None):
    """The steps that a sequence of gradients makes, the weights moving along."""
    slots, taken = optimizer.init(weights), []
    for one in gradients:
        rates = rates or [tf.constant(optimizer.learning_rate)] * len(weights)
        steps, slots = optimizer.update(one, slots, weights, tuple(rates))
        weights = tuple(weight + step for weight, step in zip(weights, steps, strict=True))
        taken.append(steps)
    return taken


def _scalar_steps(optimizer, gradients, weight=0.0):
    sequence = [(tf.constant(gradient),) for gradient in gradients]
    return [float(step) for (step,) in _steps(optimizer, sequence, (tf.constant(weight),))]


def test_sgd_by_hand(make):
    np.testing.assert_allclose(_scalar_steps(make(SGD), [2.0, -1.0]), [-0.2, 0.1], rtol=FLOAT32)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Momentum, [-0.1, -0.15, 0.025]),  # b = 1, ½ + 1 = 1.5, 0.75 − 1 = −0.25
        (Nesterov, [-0.15, -0.175, 0.1125]),  # g + b/2 = 1.5, 1.75, −1.125
    ],
)
def test_momentum_by_hand(make, kind, expected):
    np.testing.assert_allclose(_scalar_steps(make(kind), [1.0, 1.0, -1.0]), expected, rtol=FLOAT32)


def test_adam_by_hand(make):
    # g = 2, 0. m = 1, ½; m̂ = 1/(1 − ½) = 2, ½/(1 − ¼) = 2/3. v = ¼·4 = 1, ¾; v̂ = 1/¼ = 4, ¾/(1 − 9/16) = 12/7.
    # Δw = −0.1 · 2/(2 + 1), −0.1 · (2/3)/(√(12/7) + 1).
    expected = [-0.2 / 3, -0.1 * (2 / 3) / (np.sqrt(12 / 7) + 1)]
    np.testing.assert_allclose(_scalar_steps(make(Adam), [2.0, 0.0]), expected, rtol=FLOAT32)


@pytest.mark.parametrize(
    ("inside", "initial_square", "expected"),
    [
        (True, 1.0, [-0.2 / np.sqrt(2.0), -0.1 / np.sqrt(1.8125)]),  # s = ¾ + ¼·4 = 1.75, 1.3125 + ¼ = 1.5625; √(s + ¼)
        (True, 0.0, [-0.2 / np.sqrt(1.25), -0.1 / np.sqrt(1.25)]),  # s = 1, ¾ + ¼ = 1
        (False, 1.0, [-0.2 / (np.sqrt(1.75) + 0.25), -0.1 / 1.5]),  # √1.5625 = 1.25
        (False, 0.0, [-0.16, -0.08]),  # 2/(1 + ¼), 1/(1 + ¼)
    ],
)
def test_rmsprop_by_hand(make, inside, initial_square, expected):
    optimizer = make(RMSProp, epsilon_inside=inside, initial_square=initial_square)
    np.testing.assert_allclose(_scalar_steps(optimizer, [2.0, 1.0]), expected, rtol=FLOAT32)


def test_adamw_decays_kernels_and_no_vectors_or_scalars(make):
    for w, step, adam in zip(
        WEIGHTS, *(_steps(make(k), GRADIENTS[:1], WEIGHTS)[0] for k in (AdamW, Adam)), strict=True
    ):
        decay = -0.1 * 0.25 * w if w.shape.rank > 1 else tf.zeros_like(w)  # −α λ w
        np.testing.assert_allclose(step, adam + decay, rtol=0, atol=FLOAT32)


def test_adam_steps_are_those_of_loops_in_float64(make):
    """Algorithm 1 of Kingma & Ba, one number at a time."""
    optimizer = make(Adam, beta1=0.9, beta2=0.99, epsilon=1e-3)
    steps = _steps(optimizer, GRADIENTS, WEIGHTS)
    for place, weight in enumerate(WEIGHTS):
        for index in np.ndindex(*weight.shape):
            mean = square = 0.0
            for count, gradients in enumerate(GRADIENTS, start=1):
                gradient = float(gradients[place].numpy()[index])
                mean = 0.9 * mean + 0.1 * gradient
                square = 0.99 * square + 0.01 * gradient**2
                expected = -0.1 * (mean / (1 - 0.9**count)) / (np.sqrt(square / (1 - 0.99**count)) + 1e-3)
                # 1 − 0.99 in float32 is off by 3e-8/0.01 = 3e-6, half of it under the root; steps are some 0.1.
                np.testing.assert_allclose(steps[count - 1][place].numpy()[index], expected, rtol=0, atol=5e-7)


# Where the definitions agree: Keras's ε of Adam stands before the correction, which an ε of 1e-12 does not show; its
# RMSprop has ε inside the root and starts at 0; its AdamW decays all weights but those that it is told to exclude.
REFERENCES = [
    (SGD, {}, keras.optimizers.SGD(0.1)),
    (Momentum, {}, keras.optimizers.SGD(0.1, momentum=0.5)),
    (Nesterov, {}, keras.optimizers.SGD(0.1, momentum=0.5, nesterov=True)),
    (Adam, {"epsilon": 1e-12}, keras.optimizers.Adam(0.1, 0.5, 0.75, epsilon=1e-12)),
    (AdamW, {"epsilon": 1e-12}, keras.optimizers.AdamW(0.1, 0.25, 0.5, 0.75, epsilon=1e-12)),
    (RMSProp, {"initial_square": 0.0}, keras.optimizers.RMSprop(0.1, rho=0.75, epsilon=0.25)),
]


@pytest.mark.parametrize(("kind", "fields", "reference"), REFERENCES, ids=[kind.__name__ for kind, *_ in REFERENCES])
def test_steps_are_those_of_keras(make, kind, fields, reference):
    variables = [keras.Variable(weight) for weight in WEIGHTS]
    if kind is AdamW:
        reference.exclude_from_weight_decay(var_list=[v for v in variables if len(v.shape) < 2])
    for gradients in GRADIENTS:
        reference.apply(gradients, variables)
    steps = _steps(make(kind, **fields), GRADIENTS, WEIGHTS)
    for place, variable in enumerate(variables):
        moved = WEIGHTS[place] + tf.add_n([step[place] for step in steps])
        np.testing.assert_allclose(moved, variable.numpy(), rtol=0, atol=2 * FLOAT32)  # weights of up to 2


@ALL
def test_every_tensor_takes_its_own_learning_rate(make, kind):
    rates = [0.1, 0.02, 0.3]
    own = _steps(make(kind), GRADIENTS[:1], WEIGHTS, [tf.constant(rate) for rate in rates])[0]
    one = _steps(make(kind), GRADIENTS[:1], WEIGHTS, [tf.constant(1.0)] * 3)[0]
    for step, unit, rate in zip(own, one, rates, strict=True):
        np.testing.assert_allclose(step, rate * unit, rtol=FLOAT32)
