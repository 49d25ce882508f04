"""How many of the processor's cores a run takes: a rule of sizes, and never of a clock, so that a command means the
same every time.

An operation is split along the samples of a minibatch, and a second thread gains from 2,048 of them on, whatever the
widths and the combiner: the table that the rule was made from is in benchmarks/README.md, and
`python scripts/benchmark.py threads` measures it anew.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

AUTO = "auto"
_SAMPLES_PER_THREAD = 1024
"""Samples of a minibatch for each thread. On two cores 2,048 gain and 1,024 lose; more threads were not measured."""
_MOST = 8  # threads


def threads_for(samples: int, *, cores: int) -> int:
    """The number of threads for minibatches of `samples` samples, at most the number of cores."""
    return max(1, min(samples // _SAMPLES_PER_THREAD, cores, _MOST))


def samples_of(config: DictConfig) -> int:
    """Samples of a minibatch of a composed config, those of all seeds together."""
    return config.num_envs * config.agent.rollout_length * config.seeds // config.agent.minibatches


def chosen_threads(config: DictConfig, summaries: Iterable[Mapping[str, Any]] = ()) -> int:
    """`threads`; where it is `auto`, the number with which a run began that is to go on, or the rule's.

    summaries: of the runs to go on. Weights depend on the number in their last bits.
    """
    if config.threads != AUTO:
        return config.threads
    recorded = [n for summary in summaries if type(n := summary.get("threads")) is int and n >= 1]
    return recorded[0] if recorded else threads_for(samples_of(config), cores=available_cores())


def available_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def register_resolver() -> None:
    """`num_threads`: what a job of a sweep with this config takes, for the launchers."""

    def number(*, _root_: DictConfig) -> int:
        try:
            return max(1, int(chosen_threads(_root_)))
        except (TypeError, ValueError, ArithmeticError, AttributeError):
            return 1  # the job itself says what is wrong with its config

    OmegaConf.register_new_resolver("num_threads", number, replace=True)
