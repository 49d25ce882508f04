"""The number of CPU threads of a run: it depends on sizes, never on timings, so that a command is reproducible.

XLA splits an operation along the samples of a minibatch, and a second thread gains speed from 2,048 samples upwards,
whatever the layer widths and the combiner. `scripts/benchmarks/README.md` has the table behind this rule, and
`python scripts/benchmark.py threads` measures it again.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from rl.runtime import run_operations_together, use_compilation_cache

AUTO = "auto"
_SAMPLES_PER_THREAD = 1024
"""Samples of a minibatch per thread.

On two cores a second thread is faster with 2,048 samples and slower with 1,024; more threads were not measured.
"""
_UNITS_PER_THREAD = 32_768
"""Samples times units of the widest layer per thread, for agents with a memory, whose time is matrix products.

On two cores a second thread takes 0.68 of the time with 256 samples and 256 units (SAC), 0.95 with 128 units, and 1.05
with 64 (medians of 5 measurements of 500 updates, one process each).
"""
_MOST = 8
"""The maximum number of threads, whatever the size of the minibatch."""


def threads_for(samples: int, *, cores: int) -> int:
    """The number of threads for minibatches of `samples` samples: one for every 1,024, from 1 to min(cores, 8)."""
    return max(1, min(samples // _SAMPLES_PER_THREAD, cores, _MOST))


def samples_of(config: DictConfig) -> int:
    """The samples of a minibatch of a composed config, over all seeds of the program.

    An agent without a key `minibatches` is assumed to learn from its whole rollout at once. For an agent with a memory
    a minibatch counts as many samples as have the work of its own (`_UNITS_PER_THREAD`).
    """
    agent = config.agent
    if has_memory(config):
        units = agent.batch_size * config.seeds * max(agent.get("critic_widths", [1]))
        return units * _SAMPLES_PER_THREAD // _UNITS_PER_THREAD
    return config.num_envs * agent.get("rollout_length", 1) * config.seeds // agent.get("minibatches", 1)


def has_memory(config: DictConfig) -> bool:
    """Whether the agent learns from a memory, in few and large operations."""
    return "batch_size" in config.agent


def chosen_threads(config: DictConfig, summaries: Iterable[Mapping[str, Any]] = ()) -> int:
    """The number of threads of a run: `threads`, or for `auto` that of the resumed run, or else `threads_for`.

    A resumed run keeps its number of threads, since the weights depend on it in their last bits.

    Args:
        summaries: contents of summary.json of the runs that are resumed; those without a valid number are ignored.
    """
    if config.threads != AUTO:
        return config.threads
    recorded = [n for summary in summaries if type(n := summary.get("threads")) is int and n >= 1]
    return recorded[0] if recorded else threads_for(samples_of(config), cores=available_cores())


def with_threads(config: DictConfig, summaries: Iterable[Mapping[str, Any]]) -> DictConfig:
    """Sets TensorFlow's number of threads, opens the compilation cache, and returns the config with that number.

    Once TensorFlow is initialised, as in a later job of a sweep, its number of threads is fixed. The config gets that
    number, and a message is printed if another one was requested.

    Args:
        summaries: of the runs that are resumed.
    """
    import tensorflow as tf

    threads = chosen_threads(config, summaries)
    try:
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        if has_memory(config) and threads > 1:
            run_operations_together()
        said = use_compilation_cache(config.compilation_cache, threads=threads)
    except RuntimeError:  # TensorFlow is initialised already
        running, said = tf.config.threading.get_intra_op_parallelism_threads() or available_cores(), None
        if running != threads:
            said = (
                f"On {running} threads, with which this process began, instead of {threads}: the weights may differ in "
                "their last bits from those of a run alone."
            )
        threads = running
    if said:
        print(said, flush=True)
    return OmegaConf.merge(config, {"threads": threads})


def available_cores() -> int:
    """The number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def register_resolver() -> None:
    """Registers `num_threads`, the number of cores that launchers reserve for a job with this config."""

    def number(*, _root_: DictConfig) -> int:
        try:
            return max(1, int(chosen_threads(_root_)))
        except (TypeError, ValueError, ArithmeticError, AttributeError):
            return 1  # the job itself reports what is wrong with its config

    OmegaConf.register_new_resolver("num_threads", number, replace=True)
