"""The rule from sizes to threads, and what depends on their number."""

import os
import subprocess
import sys

import pytest
from omegaconf import OmegaConf

from rl.commands import threads
from rl.errors import ConfigError


def test_by_hand(compose):
    """8 environments × 128 steps / 4 minibatches = 256 samples: less than the 1,024 of one thread; 64 environments have
    2,048, enough for two.
    """
    assert threads.samples_of(compose()) == 256
    assert threads.threads_for(256, cores=2) == 1
    assert threads.samples_of(compose("num_envs=64")) == 2048
    assert threads.threads_for(2048, cores=2) == 2


def test_follows_the_table_that_it_was_made_from():
    """{samples: what a second thread brought}, of scripts/benchmarks/README.md; between 0.96 and 1.04 is noise."""
    table = {64: 0.51, 256: 0.66, 512: 0.94, 1024: 0.89, 2048: 1.11, 4096: 1.21, 16384: 1.48}
    for samples, gain in table.items():
        assert threads.threads_for(samples, cores=2) == (2 if gain > 1 else 1)


def test_never_falls_with_the_size_and_never_exceeds_the_machine():
    for cores in (1, 2, 3, 64):
        numbers = [threads.threads_for(samples, cores=cores) for samples in (0, *(2**bits for bits in range(40)))]
        assert numbers == sorted(numbers)
        assert (numbers[0], numbers[-1]) == (1, min(cores, 8))


def test_seeds_count_as_samples(compose):
    one, many = (threads.samples_of(compose("environment=compiled/cartpole", f"seeds={seeds}")) for seeds in (1, 32))
    assert many == 32 * one


def test_agents_with_a_memory_run_operations_together_on_several_threads(root):
    """Whether they do, by XLA's flags, in a process that has not begun to compute."""
    program = """
import os, sys, hydra
sys.path.insert(0, "scripts")
from rl import runtime
runtime.prepare()
from rl.commands import run_names, threads
from rl.config_files import CONFIGS
run_names.register_resolvers()
hydra.initialize_config_dir(str(CONFIGS), version_base="1.3")
for given in ("ppo", "threads=2"), ("sac", "threads=1"), ("td3", "threads=2"):
    overrides = [f"agent={given[0]}", "environment=pendulum", given[1], "compilation_cache=null"]
    threads.with_threads(hydra.compose("train", overrides), [])
    print("concurrency_optimized_scheduler=true" in os.environ["XLA_FLAGS"])
"""
    environment = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False", "False", "True"]


def test_a_number_overrides(compose):
    assert threads.chosen_threads(compose("threads=3"), [{"threads": 2}]) == 3
    assert threads.chosen_threads(compose("num_envs=100_000")) == min(threads.available_cores(), 8)


def test_a_run_goes_on_with_the_number_that_it_began_with(compose):
    """However many cores there are now; summaries of before there was a number, and damaged ones, say nothing."""
    assert threads.chosen_threads(compose(), [{"threads": 5}]) == 5
    assert threads.chosen_threads(compose(), [{}, {"threads": "x"}, {"threads": 0}]) == 1


@pytest.mark.parametrize("given", ["0", "-1", "1.5", "many", "true", "null"])
def test_other_words_are_refused(compose, given):
    from rl.commands.parts import run_settings

    run_settings(compose("threads=auto"))
    with pytest.raises(ConfigError, match=r"^threads is"):
        run_settings(compose(f"threads={given}"))


def test_launchers_get_the_number_of_a_job(compose):
    config = compose("num_envs=64", "threads=auto")
    with_number = OmegaConf.create({**OmegaConf.to_container(config), "asked": "${num_threads:}"})
    assert with_number.asked == min(threads.available_cores(), 2)
    with_number.threads = "many"  # the job itself refuses it
    assert with_number.asked == 1
