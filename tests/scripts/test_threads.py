"""The rule from sizes to threads."""

import pytest
import threads
from omegaconf import OmegaConf

from rl.errors import ConfigError


def test_by_hand(compose):
    """8 environments × 128 steps / 4 minibatches = 256 samples of 2 · 64² multiply-adds are 2.1 million: below the 8.4
    million that are worth a second thread; 64 environments have 16.8 million.
    """
    assert threads.work_of(compose()) == 256 * 2 * 64 * 64
    assert threads.threads_for(threads.work_of(compose()), cores=2) == 1
    assert threads.threads_for(threads.work_of(compose("num_envs=64")), cores=2) == 2


def test_layers_count_what_they_take_in():
    """16 in (as wide as out), then 16 → 4: 10 · (16 · 16 + 16 · 4) = 3,200."""
    assert threads.update_work(samples=10, widths=[16, 4]) == 3200
    assert threads.update_work(samples=10, widths=[]) == 0


def test_never_falls_with_the_size_and_never_exceeds_the_machine():
    for cores in (1, 2, 3, 64):
        numbers = [threads.threads_for(work, cores=cores) for work in (0, *(2**bits for bits in range(40)))]
        assert numbers == sorted(numbers)
        assert (numbers[0], numbers[-1]) == (1, min(cores, 8))


def test_seeds_count_as_samples(compose):
    one, many = (threads.work_of(compose("environment=compiled/cartpole", f"seeds={seeds}")) for seeds in (1, 32))
    assert many == 32 * one


def test_a_number_overrides(compose):
    assert threads.chosen_threads(compose("threads=3"), [{"threads": 2}]) == 3
    assert threads.chosen_threads(compose("num_envs=100_000")) == min(threads.available_cores(), 8)


def test_a_run_goes_on_with_the_number_that_it_began_with(compose):
    """However many cores there are now; summaries of before there was a number, and damaged ones, say nothing."""
    assert threads.chosen_threads(compose(), [{"threads": 5}]) == 5
    assert threads.chosen_threads(compose(), [{}, {"threads": "x"}, {"threads": 0}]) == 1


@pytest.mark.parametrize("given", ["0", "-1", "1.5", "many", "true", "null"])
def test_other_words_are_refused(compose, given):
    from parts import run_settings

    run_settings(compose("threads=auto"))
    with pytest.raises(ConfigError, match=r"^threads is"):
        run_settings(compose(f"threads={given}"))


def test_a_torso_without_widths_is_taken_for_the_usual_one(compose):
    config = compose("num_envs=64")
    usual = threads.work_of(config)
    config = OmegaConf.merge(config, {"network": {"torso": {"widths": None}}})
    assert threads.work_of(config) == usual


def test_launchers_get_the_number_of_a_job(compose):
    config = compose("num_envs=64", "threads=auto")
    with_number = OmegaConf.create({**OmegaConf.to_container(config), "asked": "${num_threads:}"})
    assert with_number.asked == min(threads.available_cores(), 3)
    with_number.threads = "many"  # the job itself refuses it
    assert with_number.asked == 1
