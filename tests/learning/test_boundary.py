"""What an environment gives that cannot be learnt from: nothing of it is kept, in training and in evaluation."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from faulting import bad_compiled

from rl.environments.boundary import LARGEST, all_sound, all_sound_within, first_unsound
from rl.errors import BadEnvironmentError
from rl.instruments.diagnosis import environments_fault
from rl.learning.learn import learn
from rl.learning.rollout import Acted, rollout
from rl.learning.state import named_variables, read
from rl.runs.evaluation import Evaluator

SMALL = ("environment=compiled/cartpole", "environment._target_=faulting.bad_compiled.Bad")
SMALL = (*SMALL, "environment.max_episode_steps=8", "num_envs=2", "agent.rollout_length=16")
SMALL = (*SMALL, "network.torso.widths=[4]", "probe=none")
QUICK = ("agent.epochs=1", "agent.minibatches=1")
SEED = tf.constant([3, 4])
STEPS = {"nan_observation": 3, "inf_observation": 3, "nan_final_observation": 8}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1.001 * LARGEST, -3e38])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numpy_and_programs_refuse_the_same_numbers(value, dtype):
    for place in np.ndindex(2, 3):
        array = np.full((2, 3), -LARGEST if dtype is np.float64 else 1e30, dtype)
        assert all_sound(array)
        assert all_sound_within(tf.constant(array))
        array[place] = value
        assert not all_sound(array)
        assert not all_sound_within(tf.zeros(2), tf.constant(array))
        found = first_unsound(fine=np.zeros(2), some_field=array)
        assert (found.number, found.what) == (place[0], f"the some field[{place[1]}]")


def test_nothing_is_not_unsound():
    assert all_sound(np.zeros((0, 3)))
    assert first_unsound(reward=np.zeros(2)) is None


class Learning:
    """One experiment and its compiled learning, for the trajectories of any environment of the same shape."""

    def __init__(self, build):
        self.experiment = build(*SMALL, "normalize.observations=true", *QUICK)
        self.learner = self.experiment.learner
        self.learn = tf.function(functools.partial(learn, self.learner), jit_compile=True, autograph=False)

    def collected(self, fault):
        """A state in iteration 5 and a rollout from fresh episodes."""
        environment = bad_compiled.Bad(num_envs=2, fault=fault)
        state = read(self.experiment.variables)._replace(iteration=tf.constant(5, tf.int64))
        chance = self.learner.rollout_noise(state.seed, state.iteration)
        still = tf.zeros(2, tf.int64)
        start = environment.reset(SEED)
        return state, rollout(environment, lambda *_: Acted(still, ()), chance.noise, chance.uniforms, *start)[2]


@pytest.fixture(scope="module")
def learning(build_apart):
    return Learning(build_apart)


@pytest.mark.parametrize("fault", bad_compiled.NUMBERS)
def test_an_iteration_with_a_bad_number_leaves_the_state_as_it_was(learning, fault):
    state, trajectory = learning.collected(fault)
    what, value = bad_compiled.NUMBERS[fault]
    step = STEPS.get(fault, 3)
    assert environments_fault(learning.learner, state, trajectory) == (
        f"environment Bad, number 0, step {5 * 16 + step} ({step} of its episode): the {what} is {value:g}; it must be "
        "finite, and at most 1e+30 in magnitude"
    )
    after, metrics = learning.learn(state, trajectory)
    assert int(metrics["bad_update"]) == 0
    tf.nest.map_structure(np.testing.assert_array_equal, after, state)


def test_a_sound_iteration_is_learnt_from(learning):
    state, trajectory = learning.collected(None)
    assert environments_fault(learning.learner, state, trajectory) is None
    after, metrics = learning.learn(state, trajectory)
    assert int(metrics["bad_update"]) == -1
    assert int(after.iteration) == 6


def test_a_program_stops_before_the_bad_iteration_and_logs_none_of_it(build):
    """The fault comes in step 21 of an episode, and so in the second iteration of 16 steps."""
    overrides = ("environment.max_episode_steps=24", "+environment.fault=inf_reward", "+environment.at=21", *QUICK)
    experiment = build(*SMALL, *overrides)
    chunk = experiment.programs(probe_every=10).iterate(5)
    assert chunk.metrics["bad_update"].tolist() == [-1.0, 0.0]
    assert len(chunk.without_last().metrics["episode/return"]) == 1
    assert int(experiment.variables.iteration) == 1
    learnt = {name: v.numpy() for name, v in named_variables(experiment.variables).items()}
    assert all(np.isfinite(array).all() for name, array in learnt.items() if not name.startswith("environment"))


def evaluate(fault=None, *, episodes=4, num_envs=2, max_steps=100, limit=8, seeds=(3,)):
    evaluator = Evaluator(
        lambda num_envs: bad_compiled.Bad(num_envs=num_envs, fault=fault, max_episode_steps=limit),
        lambda observation: tf.zeros(tf.shape(observation)[0], tf.int64),
        episodes=episodes,
        num_envs=num_envs,
        max_steps=max_steps,
        num_runs=len(seeds),
    )
    return evaluator.run([tf.constant([seed, 4]) for seed in seeds])


@pytest.mark.parametrize("fault", [fault for fault in bad_compiled.NUMBERS if fault != "nan_final_observation"])
def test_an_evaluation_with_a_bad_number_has_no_result(fault):
    what, value = bad_compiled.NUMBERS[fault]
    step = STEPS.get(fault, 3)
    message = f"evaluation: environment Bad, number 0, step {step}: the {what} is {value:g}"
    with pytest.raises(BadEnvironmentError) as raised:
        evaluate(fault)
    assert str(raised.value).startswith(message)


def test_episodes_that_do_not_end_are_cut_counted_and_keep_their_returns():
    """Without a time limit no episode ends: each of the 6 is cut at 5 steps, reward 1 a step."""
    (evaluation,) = evaluate(episodes=6, limit=None, max_steps=5)
    np.testing.assert_array_equal(evaluation.returns, np.full(6, 5.0))
    assert evaluation.cut == 6
    assert evaluation.summary() == {"mean": 5.0, "std": 0.0, "iqm": 5.0, "episodes": 6, "cut": 6}


@pytest.mark.parametrize(("max_steps", "cut"), [(7, 4), (8, 0), (9, 0)])
def test_an_episode_that_ends_in_its_last_step_is_not_cut(max_steps, cut):
    (evaluation,) = evaluate(max_steps=max_steps)
    np.testing.assert_array_equal(evaluation.returns, np.full(4, min(max_steps, 8)))
    assert evaluation.cut == cut


class SomeNeverEnd(bad_compiled.Bad):
    """Episodes in the upper half terminate in step 8; the others never do."""

    def advance(self, state, action, uniforms):
        after, reward, _ = super().advance(state, action, uniforms)
        return after, reward, (after.steps == 8) & (after.place > 0.5)


def test_many_runs_cut_as_each_alone():
    def run(seeds):
        evaluator = Evaluator(
            lambda num_envs: SomeNeverEnd(num_envs=num_envs, max_episode_steps=None),
            lambda observation: tf.zeros(tf.shape(observation)[0], tf.int64),
            episodes=12,
            num_envs=3,
            max_steps=30,
            num_runs=len(seeds),
        )
        return evaluator.run([tf.constant([seed, 4]) for seed in seeds])

    together, alone = run((3, 5)), (*run((3,)), *run((5,)))
    assert 0 < sum(evaluation.cut for evaluation in alone) < 24
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.returns, other.returns)
        assert one.cut == other.cut
