"""Several runs in one program: each is what it would be alone."""

import numpy as np
import pytest
import tensorflow as tf

from rl.errors import ConfigError
from rl.learning.seeds import fold
from rl.learning.state import named_variables

SMALL = (
    "environment=compiled/cartpole",
    "num_envs=4",
    "agent.rollout_length=16",
    "network.torso.widths=[8,8]",
    "steps=2000",
    "seed=5",
)
EXACT = ("environment", "episodes", "iteration", "updates", "seed")


def advanced(experiment, programs, count):
    found = {}
    while count:
        chunk = programs.iterate(count)
        count -= len(chunk.metrics["bad_update"])
        for tag, numbers in {**chunk.metrics, **chunk.findings}.items():
            found.setdefault(tag, []).append(numbers)
    arrays = {name: variable.numpy() for name, variable in named_variables(experiment.variables).items()}
    return arrays, {tag: np.concatenate(numbers) for tag, numbers in found.items()}


OF_THE_RULE = "probe.names=[chain,attribution]"
"""The probes that a rule takes part in; all others are those of `sum`."""


@pytest.mark.parametrize(
    "overrides", [("combiner=sum",), ("combiner=pcgrad", OF_THE_RULE), ("combiner=imtl_g", OF_THE_RULE)]
)
def test_each_run_equals_its_single_run(build, overrides):
    """To float32 rounding: a batched matrix product may add in another order. Two iterations of 16 updates."""
    many, one = build(*SMALL, "seeds=3", *overrides), build(*SMALL, *overrides)
    together, logged = advanced(many, many.programs(probe_every=2), 2)
    programs = one.programs(probe_every=2)
    for number in range(3):
        build(*SMALL, f"seed={5 + number}", *overrides).started_in(one)
        alone, logged_alone = advanced(one, programs, 2)
        assert together.keys() == alone.keys()
        assert together["iteration"] == alone.pop("iteration") == 2
        assert together["begun"] == alone.pop("begun") == 0
        for name, array in alone.items():
            if name.split("/")[0] in EXACT and array.dtype != np.float32:
                np.testing.assert_array_equal(together[name][number], array, err_msg=name)
            else:
                np.testing.assert_allclose(together[name][number], array, rtol=1e-3, atol=1e-5, err_msg=name)
        for tag, numbers in logged_alone.items():
            np.testing.assert_allclose(logged[tag][:, number], numbers, rtol=1e-2, atol=1e-4, err_msg=tag)
    assert np.abs(together["torso/dense_0/kernel"][0] - together["torso/dense_0/kernel"][1]).max() > 0


def test_evaluations_together_are_those_of_each_alone(build):
    """The same episodes and the same weights: returns of CartPole are whole numbers, and equal."""
    experiment = build(*SMALL, "seeds=2")
    seeds = [fold(seed, 9) for seed in tf.unstack(experiment.variables.seed)]
    together = experiment.evaluator(12, max_steps=1000).run(seeds)
    one = build(*SMALL)
    evaluator = one.evaluator(12, max_steps=1000)
    for number, evaluation in enumerate(together):
        build(*SMALL, f"seed={5 + number}").started_in(one)
        alone = evaluator.run([seeds[number]])[0]
        np.testing.assert_array_equal(evaluation.returns, alone.returns)


def test_only_compiled_environments_train_together(build):
    with pytest.raises(ConfigError, match="seeds is 2: only runs in a compiled environment"):
        build("seeds=2")
