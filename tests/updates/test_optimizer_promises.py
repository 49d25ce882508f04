"""Properties of all optimizers: purity, convergence, and errors that name the config key."""

import numpy as np
import pytest
import tensorflow as tf

from rl.errors import ConfigError
from rl.updates.optimizers import SGD, Adam, AdamW, Momentum, Nesterov, RMSProp

SHARED = {
    "learning_rate": 0.1,
    "head_learning_rate": None,
    "rates": {},
    "schedule": "cosine",
    "clip_norm": None,
    "clip_value": None,
}
OWN = {
    SGD: {},
    Momentum: {"momentum": 0.9},
    Nesterov: {"momentum": 0.9},
    Adam: {"beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8},
    AdamW: {"beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8, "weight_decay": 0.1},
    RMSProp: {"decay": 0.9, "epsilon": 1e-8, "epsilon_inside": False, "initial_square": 0.0},
}
ALL = pytest.mark.parametrize("kind", OWN, ids=lambda kind: kind.__name__)
WEIGHTS = (tf.constant([[1.0, -2.0], [0.5, 3.0]]), tf.constant([0.3, -0.7]))
GRADIENTS = (tf.constant([[0.1, -1.0], [2.0, 0.0]]), tf.constant([1e-3, 5.0]))
RATES = (tf.constant(0.1), tf.constant(0.2))


@pytest.fixture(name="make")
def factory():
    """An optimizer of a class, with some of the fields above replaced."""
    return lambda kind, **fields: kind(**SHARED | OWN[kind] | fields)


def _numbers(nest):
    return [np.array(tensor) for tensor in tf.nest.flatten(nest)]


def _assert_same(first, second):
    tf.nest.assert_same_structure(first, second)
    for one, other in zip(_numbers(first), _numbers(second), strict=True):
        np.testing.assert_array_equal(one, other)


@ALL
def test_update_changes_none_of_its_inputs_and_gives_the_same_again(make, kind):
    optimizer, variables = make(kind), tuple(tf.Variable(weight) for weight in WEIGHTS)
    slots = optimizer.update(GRADIENTS, optimizer.init(variables), variables, RATES).slots
    inputs = (GRADIENTS, slots, variables)
    before = tf.nest.map_structure(lambda tensor: tf.constant(tensor.numpy()), inputs)
    first = optimizer.update(GRADIENTS, slots, variables, RATES)
    second = optimizer.update(GRADIENTS, slots, variables, RATES)
    _assert_same(first, second)
    for now, then in zip(_numbers(inputs), _numbers(before), strict=True):
        np.testing.assert_array_equal(now, then)


@ALL
def test_slots_keep_their_structure_shapes_and_types(make, kind):
    optimizer = make(kind)
    slots = optimizer.init(WEIGHTS)
    update = optimizer.update(GRADIENTS, slots, WEIGHTS, RATES)
    tf.nest.assert_same_structure(slots, update.slots)
    for before, after in zip(_numbers(slots), _numbers(update.slots), strict=True):
        assert (before.shape, before.dtype) == (after.shape, after.dtype)
    assert [(step.shape, step.dtype) for step in update.steps] == [(weight.shape, weight.dtype) for weight in WEIGHTS]


@ALL
def test_steps_in_an_xla_program_are_those_outside_it(make, kind):
    optimizer = make(kind)
    slots = optimizer.update(GRADIENTS, optimizer.init(WEIGHTS), WEIGHTS, RATES).slots
    eager = optimizer.update(GRADIENTS, slots, WEIGHTS, RATES)
    compiled = tf.function(optimizer.update, jit_compile=True, autograph=False)(GRADIENTS, slots, WEIGHTS, RATES)
    for one, other in zip(_numbers(eager), _numbers(compiled), strict=True):
        # XLA fuses and rounds another way: some 6e-8 an operation, magnified by 1/(1 − β₂²) = 50 in Adam's correction.
        np.testing.assert_allclose(one, other, rtol=1e-5)


@ALL
def test_missing_gradient_is_refused(make, kind):
    optimizer = make(kind)
    with pytest.raises(ValueError, match="zip"):
        optimizer.update(GRADIENTS[:1], optimizer.init(WEIGHTS), WEIGHTS, RATES)


@ALL
def test_reaches_the_minimum_of_a_quadratic(make, kind):
    """½ Σ h (w − c)² with h from 0.5 to 5, the learning rate falling to 0 over 400 updates."""
    optimizer, num_updates = make(kind), 400
    curvature, centre = tf.constant([0.5, 1.0, 5.0]), tf.constant([1.0, -2.0, 0.5])

    @tf.function(autograph=False)
    def step(weight, slots, progress):
        rate, _ = optimizer.learning_rates(progress)
        (change,), slots = optimizer.update((curvature * (weight - centre),), slots, (weight,), (rate,))
        return weight + change, slots

    weight = tf.zeros(3)
    slots = optimizer.init((weight,))
    for update in range(num_updates):
        weight, slots = step(weight, slots, tf.constant(update / num_updates))
    # The slowest mode shrinks by Π (1 − 0.5 α_t) ≈ exp(−0.5 · 0.1 · 200) = 5e-5 from a distance of 1; a rule that steps
    # by the sign stays within its last learning rate, 0.1 · (π/400)²/4 = 2e-6, times the updates that it takes to turn.
    np.testing.assert_allclose(weight, centre, rtol=0, atol=1e-3)


def test_sgd_on_a_quadratic_shrinks_the_error_by_one_minus_rate_times_curvature(make):
    optimizer, weight = make(SGD, schedule="constant"), tf.constant([3.0, -1.0])
    curvature, rate = tf.constant([1.0, 4.0]), tf.constant(0.1)
    for _ in range(10):
        (change,), _ = optimizer.update((curvature * weight,), (), (weight,), (rate,))
        weight += change
    # Three float32 roundings a step, ten steps.
    np.testing.assert_allclose(weight, [3.0 * 0.9**10, -(0.6**10)], rtol=3e-6)


@ALL
@pytest.mark.parametrize("key", ["learning_rate", "head_learning_rate", "clip_norm", "clip_value"])
@pytest.mark.parametrize("value", [-0.1, 0, float("nan"), "fast"])
def test_shared_fields_must_be_positive_numbers(make, kind, key, value):
    with pytest.raises(ConfigError, match=rf"{key} is {value!r}; it must be a positive number"):
        make(kind, **{key: value})


def test_only_the_learning_rate_may_not_be_null(make):
    make(SGD, head_learning_rate=None, clip_norm=None, clip_value=None)
    with pytest.raises(ConfigError, match=r"learning_rate is null; it must be a positive number\.$"):
        make(SGD, learning_rate=None)


def test_unknown_schedule_is_refused_with_those_that_there_are(make):
    with pytest.raises(ConfigError, match=r"schedule is 'step'; it must be one of constant, linear, cosine"):
        make(SGD, schedule="step")


OWN_RANGES = [
    *((kind, key, value) for kind in (Adam, AdamW) for key in ("beta1", "beta2") for value in (-0.1, 1.0)),
    *((kind, "momentum", value) for kind in (Momentum, Nesterov) for value in (-0.1, 1.0)),
    *((RMSProp, "decay", value) for value in (-0.1, 1.0)),
    *((kind, "epsilon", value) for kind in (Adam, AdamW, RMSProp) for value in (-1e-8, 0.0)),
    (RMSProp, "initial_square", -1.0),
    (AdamW, "weight_decay", -0.1),
]


@pytest.mark.parametrize(("kind", "key", "value"), OWN_RANGES)
def test_own_fields_out_of_range_are_refused(make, kind, key, value):
    with pytest.raises(ConfigError, match=rf"{key} is {value}; it must"):
        make(kind, **{key: value})
