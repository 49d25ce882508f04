"""Iterations in which learning and acting alternate: what is written, what is learnt, and in which order."""

import re

import numpy as np
import pytest
import tensorflow as tf

from rl.instruments.diagnosis import diagnose, environments_fault
from rl.instruments.replay import replay
from rl.learning.alternating import learnt
from rl.learning.collecting import collect
from rl.learning.drawing import drawn, written
from rl.learning.rollout import RolloutNoise
from rl.learning.state import assign, named_variables, read
from rl.learning.updating import applied

SMALL = (
    "agent=sac",
    "environment=compiled/pendulum",
    "environment.max_episode_steps=5",
    "num_envs=2",
    "agent.ticks=4",
    "agent.rollout_length=2",
    "agent.update_to_data=0.5",
    "agent.batch_size=5",
    "agent.warmup_steps=16",
    "agent.critic_widths=[7]",
    "network.torso.widths=[6]",
    "replay.capacity=60",
    "optimizer.learning_rate=0.01",
    "probe=none",
)


@pytest.fixture
def small(build):
    """The experiment before its first iteration."""
    return build(*SMALL)


def state_after(experiment, count):
    experiment.programs(probe_every=100).iterate(count)
    return {name: v.numpy() for name, v in named_variables(experiment.variables).items()}


def test_the_first_iteration_writes_what_one_rollout_would(small):
    """16 steps of warm-up: 4 ticks of 2 steps in 2 environments, the same as 8 steps without a break."""
    experiment = small
    learner, state = experiment.learner, read(experiment.variables)
    random = learner.rollout_noise(state.seed, state.iteration)
    pieces = [RolloutNoise(*(x[2 * tick : 2 * tick + 2] for x in random)) for tick in range(4)]
    rows = []
    for piece in pieces:
        state, trajectory = collect(learner, state, piece)
        rows.append(trajectory)
    after = state_after(experiment, 1)
    whole = tf.nest.map_structure(lambda *x: np.concatenate(x), *rows)
    for field in ("observation", "action", "reward", "next_observation"):
        ring = after[f"sources/update/{field}"]
        np.testing.assert_allclose(ring[:8], getattr(whole, field), rtol=1e-5, atol=1e-5)
        assert not np.any(ring[8:])
    assert after["updates/update"] == 0
    assert whole.truncated.any()


def step_by_step(experiment, iterations):
    """The state after iterations of the same steps in Python, eagerly: 2 rounds a tick."""
    learner, state = experiment.learner, read(experiment.variables)
    (phase,) = learner.phases
    assert phase.source.rounds == 2
    for _ in range(iterations):
        due = bool(phase.is_due(state.iteration - state.begun))
        random = learner.rollout_noise(state.seed, state.iteration)
        for tick in range(4):
            ring = state.sources["update"]
            if due:
                (windows, places), before = drawn(learner, state, tick), state._replace(sources={})
                state = before
                for place in range(2):
                    played = replay(learner, state, windows)
                    minibatch = played.minibatch(2 * tick + place, state)
                    state = applied(learner, state, phase.updates[0], played.propose(minibatch))
                *_, errors = learnt(learner, before, windows, tf.constant(tick))
                ring = phase.source.told(ring, places, errors)
            noise = RolloutNoise(*(x[2 * tick : 2 * tick + 2] for x in random))
            state, trajectory = collect(learner, state._replace(sources={}), noise)
            at = written(learner, state.iteration, tick)
            state = state._replace(sources={"update": phase.source.put(ring, trajectory, at)})
        state = state._replace(iteration=state.iteration + 1)
    return state


def test_an_iteration_is_draw_learn_act_and_write_tick_by_tick(small):
    """The compiled iteration against the same steps in Python: two iterations that learn."""
    small.programs(probe_every=100).iterate(1)
    is_as_step_by_step(small, step_by_step(small, 2), iterations=2)


def is_as_step_by_step(experiment, state, iterations):
    after = state_after(experiment, iterations)
    for part, own in state.weights.items():
        for name, tensor in zip(experiment.learner.model.network.names[part], own, strict=True):
            np.testing.assert_allclose(after[name], tensor, rtol=2e-3, atol=2e-4, err_msg=name)
    assert after["updates/update"] == 16
    found, expected = experiment.variables.sources["update"], state.sources["update"]
    for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("replay", ["uniform", "prioritized"])
def test_outside_of_xla_the_ring_is_changed_in_place_and_holds_the_same(build, replay):
    """Gymnasium's Pendulum: three iterations of a graph that calls programs against the same steps in Python."""
    small = [override for override in SMALL if not override.startswith("environment")]
    overrides = (*small, "environment=pendulum", f"replay={replay}")
    is_as_step_by_step(build(*overrides), step_by_step(build(*overrides), 3), iterations=3)


def optimized(experiment):
    """XLA's program of an iteration, after all of its passes."""
    iterate = experiment.programs(probe_every=100)._iterate._function
    return iterate.experimental_get_compiler_ir(tf.constant(1))(stage="optimized_hlo")


@pytest.fixture(scope="module")
def program(lending):
    """The optimised program of an iteration of one run."""
    with lending() as build:
        return optimized(build(*SMALL))


@pytest.mark.parametrize("seeds", [1, 2])
def test_nothing_copies_the_ring(build, program, seeds):
    """The optimised program of an iteration has no copy and no selection of an array with the ring's 30 rows."""
    text = program if seeds == 1 else optimized(build(*SMALL, "seeds=2"))
    ring = r"\[(2,)?30,2[,\]]"
    assert re.search(rf" = f32{ring}", text)
    copies = [line for line in text.splitlines() if re.search(rf" = \w+{ring}\S* (copy|select)\(", line)]
    assert copies == []


@pytest.mark.parametrize(("agent", "outputs"), [("sac", 2), ("td3", 1)])
def test_a_round_changes_weights_and_slots_in_place(build, program, agent, outputs):
    """In the loop over rounds, the one with gradients, nothing of the size of a layer is copied.

    That holds for an actor that is updated in every second round, too.
    """
    text = program if agent == "sac" else optimized(build(f"agent={agent}", *SMALL[1:]))
    loops = [part for part in re.split(r"\n(?=%)", text) if "while_body" in part[:200] and " fusion(" in part]
    (rounds,) = [loop for loop in loops if "gradient_tape/while" in loop]
    for kernel in ("3,6", f"6,{outputs}", "4,7", "7,1"):
        assert f"f32[{kernel}]" in rounds
        assert not re.search(rf" = f32\[{kernel}\]\S* copy\(", rounds)


def test_a_run_that_goes_on_from_its_state_is_the_same_bit_for_bit(build, small):
    """Three iterations, four of another run, then three more of the first one's state, against six.

    The ring wraps around.
    """
    start = tf.nest.map_structure(tf.identity, read(small.variables))
    expected = state_after(small, 6)
    assign(small.variables, start)
    small.programs(probe_every=100).iterate(3)
    between = tf.nest.map_structure(tf.identity, read(small.variables))
    build(*SMALL, "seed=7").started_in(small).programs(probe_every=100).iterate(4)
    assign(small.variables, between)
    found = state_after(small, 3)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    assert 6 * 8 > 60 // 2


def test_two_runs_in_one_program_are_each_alone(build, small):
    both = build(*SMALL, "seeds=2")
    both.programs(probe_every=100).iterate(3)
    for seed in (0, 1):
        alone = build(*SMALL, f"seed={seed}").started_in(small)
        alone.programs(probe_every=100).iterate(3)
        for ours, theirs in zip(both.variables.weights["q_0"], alone.variables.weights["q_0"], strict=True):
            np.testing.assert_allclose(ours[seed], theirs, rtol=1e-3, atol=1e-4)
        ring, own = both.variables.sources["update"].reward, alone.variables.sources["update"].reward
        np.testing.assert_allclose(ring[seed], own, rtol=1e-3, atol=1e-3)


def test_a_bad_reward_leaves_the_state_as_it_was(small):
    """A NaN in memory reaches the critics: the iteration is undone, but for the ring's rows, and is not counted."""
    experiment = small
    experiment.programs(probe_every=100).iterate(2)
    ring = experiment.variables.sources["update"].reward
    before = {name: v.numpy() for name, v in named_variables(experiment.variables).items()}
    ring.assign(tf.fill(ring.shape, np.nan))
    chunk = experiment.programs(probe_every=100).iterate(3)
    assert len(chunk.metrics["bad_update"]) == 1
    assert chunk.metrics["bad_update"][0] >= 0
    after = {name: v.numpy() for name, v in named_variables(experiment.variables).items()}
    for name, value in before.items():
        if not name.startswith("sources/"):
            np.testing.assert_array_equal(after[name], value, err_msg=name)


def test_episodes_are_counted_across_ticks(small):
    """5 steps an episode, 8 steps an iteration in 2 environments: 2, 4, 2 episodes in the first three."""
    chunk = small.programs(probe_every=100).iterate(3)
    np.testing.assert_array_equal(chunk.metrics["episode/count"], [2, 4, 2])
    assert np.isfinite(chunk.metrics["episode/return"]).all()
    np.testing.assert_array_equal(chunk.metrics["episode/length"], [5, 5, 5])


def test_the_target_moves_by_its_schedule_alone(build):
    """τ = ¼ after each of the 8 updates of an iteration, and not while the agent only acts."""
    experiment = build(*SMALL, "frozen.target.tau=0.25", "optimizer.learning_rate=1e-30")
    start = state_after(experiment, 1)
    name = "frozen/target/q_0/dense_0/kernel"
    np.testing.assert_array_equal(start[name], start["q_0/dense_0/kernel"])
    copy = experiment.variables.frozen["target"].weights["q_0"][0]
    copy.assign(copy + 1.0)
    after = state_after(experiment, 1)
    np.testing.assert_allclose(after[name] - after["q_0/dense_0/kernel"], 0.75**8, rtol=1e-4)


def test_a_bad_update_is_found_again(build):
    """The reward of one step is infinite: the tick that first draws it, and the critics' loss, are named."""
    experiment = build(*SMALL, "agent.batch_size=2")
    programs = experiment.programs(probe_every=100)
    programs.iterate(2)
    memory = experiment.variables.sources["update"].reward
    memory.assign(tf.tensor_scatter_nd_update(memory, [[5, 1]], [np.inf]))
    for _ in range(20):
        chunk = programs.iterate(1)
        if chunk.metrics["bad_update"][-1] >= 0:
            break
    bad = int(chunk.metrics["bad_update"][-1])
    assert bad >= 0
    state, windows = programs.learnt_from(chunk.basis)
    fault = diagnose(experiment.learner, state._replace(sources=read(experiment.variables).sources), windows, bad)
    assert fault.objective == "q_0"
    assert fault.update == int(state.updates["update"]) + bad + 1
    assert np.isinf(fault.minibatch.batch.reward).any()


@pytest.mark.parametrize("at", [3, 11])
def test_an_unsound_step_stops_the_iteration_in_the_tick_that_took_it(build, at):
    """8 steps an iteration, 2 a tick of 2 rounds: step 3 is in the warm-up's second tick, step 11 in that of the next.

    The step counts before anything is learnt from it, and is named by its number.
    """
    bad = ("environment._target_=faulting.bad_compiled.Bad", "+environment.fault=nan_reward", f"+environment.at={at}")
    small = ("agent=sac_discrete", "environment=compiled/cartpole", *bad, "environment.max_episode_steps=24")
    experiment = build(*small, *SMALL[3:])
    programs = experiment.programs(probe_every=100)
    chunk = programs.iterate(5)
    np.testing.assert_array_equal(chunk.metrics["bad_update"], [-1.0] * (at // 8) + [2.0])
    assert int(experiment.variables.iteration) == at // 8
    state, windows = programs.learnt_from(chunk.basis)
    state = state._replace(sources=read(experiment.variables).sources)
    message = environments_fault(experiment.learner, state, windows)
    assert message.startswith(f"environment Bad, number 0, step {at} ({at} of its episode): the reward is nan")


def test_probes_get_the_first_ticks_minibatches_and_as_many_others(small):
    """The first half is what tick 0 drew; the second is drawn anew from the same 16 rows."""
    experiment = small
    programs = experiment.programs(probe_every=100)
    programs.iterate(2)
    expected, _ = drawn(experiment.learner, read(experiment.variables), 0)
    _, windows = programs.learnt_from(programs.iterate(1).basis)
    for found, own in zip(tf.nest.flatten(windows), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(found[:10], own, rtol=1e-5, atol=1e-5)
    assert windows.steps.reward.shape == (20, 1)
    assert not np.array_equal(windows.steps.reward[:10], windows.steps.reward[10:])
