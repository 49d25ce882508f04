"""Whole iterations as one XLA program: traced once, leaking nothing, and the same however they are called."""

import dataclasses
from pathlib import Path

import hydra
import numpy as np
import pytest

from rl.commands.composition import build
from rl.commands.run_names import register_resolvers
from rl.config_files import CONFIGS
from rl.learning.state import assign, named_variables, read

COMPILED = ("environment=compiled/cartpole", "num_envs=4", "agent.rollout_length=16", "network.torso.widths=[8,8]")
PROBE_EVERY = 5


class Whole:
    """An experiment with its programs, compiled, which any test can start anew."""

    def __init__(self, *overrides):
        register_resolvers()
        with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
            self.experiment = build(hydra.compose("train", overrides=[*COMPILED, *overrides]))
        self.start = read(self.experiment.variables)
        self.programs = self.experiment.programs(probe_every=PROBE_EVERY)
        self.programs.compile()

    def run(self, *counts, programs=None):
        """From the start, exactly so many iterations at a time: what was logged, and the state at the end."""
        assign(self.experiment.variables, self.start)
        logged = advance(programs or self.programs, *counts)
        return logged, {name: v.numpy() for name, v in named_variables(self.experiment.variables).items()}


@pytest.fixture(scope="module")
def whole():
    return Whole()


def advance(programs, *counts):
    found = []
    for count in counts:
        left = count
        while left:
            chunk = programs.iterate(left)
            found.append({**chunk.metrics, **chunk.findings})
            left -= len(chunk.metrics["bad_update"])
    return {tag: np.concatenate([numbers[tag] for numbers in found]) for tag in found[0]}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


@pytest.mark.parametrize("counts", [(20,), (1, 2, 4, 13), (1,) * 20])
def test_calls_of_any_length_give_the_same_bits(whole, counts):
    logged, end = whole.run(7, 7, 6)
    other_logged, other_end = whole.run(*counts)
    assert np.isfinite(logged["gradient/norm/value"]).tolist() == [n % PROBE_EVERY == 0 for n in range(20)]
    assert_same(logged, other_logged)
    assert_same(end, other_end)


def test_calls_of_any_length_are_one_program(whole):
    before = whole.programs.num_traces
    whole.run(*range(1, 40))
    assert whole.programs.num_traces == before


@pytest.mark.parametrize("combiner", ["sum", "pcgrad"])
def test_probes_change_no_bit_of_the_state(whole, combiner):
    whole = whole if combiner == "sum" else Whole(f"combiner={combiner}")
    blind = dataclasses.replace(whole.experiment, prober=None, _compiled={}).programs(probe_every=PROBE_EVERY)
    logged, looked = whole.run(20)
    assert np.isfinite(logged["gradient/norm/policy"]).any()
    assert_same(looked, whole.run(20, programs=blind)[1])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the resident memory from /proc")
def test_ten_thousand_iterations_take_no_more_memory(whole):
    forget(whole.programs, 1_000)
    before = resident_kilobytes()
    forget(whole.programs, 10_000)
    # Were an iteration's trajectory kept, that would be 64 steps of 50 bytes each time, 31,000 kB in all. What the
    # allocator takes for itself is a small part of that.
    assert resident_kilobytes() - before < 6_000


def forget(programs, count):
    while count > 0:
        count -= len(programs.iterate(10).metrics["bad_update"])


def resident_kilobytes():
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1])
