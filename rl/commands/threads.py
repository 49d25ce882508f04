"""The number of CPU threads of a run: it follows from sizes and never from a clock, so that a command is reproducible.

XLA splits an operation along the samples of a minibatch, and a second thread gains speed from 2,048 samples on,
whatever the widths and the combiner. `scripts/benchmarks/README.md` has the table behind this rule, and
`python scripts/benchmark.py threads` measures it again.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from rl.runtime import use_compilation_cache

AUTO = "auto"
_SAMPLES_PER_THREAD = 1024
"""Samples of a minibatch for each thread. On two cores 2,048 gain and 1,024 lose; more threads were not measured."""
_MOST = 8
"""Threads at most, however large the minibatch."""


def threads_for(samples: int, *, cores: int) -> int:
    """The number of threads for minibatches of `samples` samples: one for every 1,024, from 1 to min(cores, 8)."""
    return max(1, min(samples // _SAMPLES_PER_THREAD, cores, _MOST))


def samples_of(config: DictConfig) -> int:
    """The samples of a minibatch of a composed config, over all seeds of the program.

    An agent without a key `minibatches` is taken to learn from its rollout at once.
    """
    agent = config.agent
    return config.num_envs * agent.get("rollout_length", 1) * config.seeds // agent.get("minibatches", 1)


def chosen_threads(config: DictConfig, summaries: Iterable[Mapping[str, Any]] = ()) -> int:
    """The number of threads of a run: `threads`, or with `auto` that of the run which is resumed, or the rule's.

    A resumed run keeps its number, since the weights depend on it in their last bits.

    Args:
        summaries: of the runs that are resumed; one that holds no valid number is ignored.
    """
    if config.threads != AUTO:
        return config.threads
    recorded = [n for summary in summaries if type(n := summary.get("threads")) is int and n >= 1]
    return recorded[0] if recorded else threads_for(samples_of(config), cores=available_cores())


def with_threads(config: DictConfig, summaries: Iterable[Mapping[str, Any]]) -> DictConfig:
    """The config with its number of threads, with which TensorFlow runs from here on; opens the compilation cache.

    Once TensorFlow runs, as in a later job of a sweep, its number of threads is fixed. The config gets that number, and
    a message says so where another one was asked for.

    Args:
        summaries: of the runs that are resumed.
    """
    import tensorflow as tf

    threads = chosen_threads(config, summaries)
    try:
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        said = use_compilation_cache(config.compilation_cache, threads=threads)
    except RuntimeError:  # TensorFlow runs already
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
    """`num_threads`, the cores that a job of a sweep with this config takes: launchers reserve them."""

    def number(*, _root_: DictConfig) -> int:
        try:
            return max(1, int(chosen_threads(_root_)))
        except (TypeError, ValueError, ArithmeticError, AttributeError):
            return 1  # the job itself reports what is wrong with its config

    OmegaConf.register_new_resolver("num_threads", number, replace=True)
