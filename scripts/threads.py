"""How many of the processor's cores a run takes: a rule of sizes, and never of a clock, so that a command means the
same every time.

Two threads gain where the products of an update are large: the table that the rule was made from is in
benchmarks/README.md, and `python scripts/benchmark.py threads` measures it anew.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

AUTO = "auto"
_WORTH_A_THREAD = 2**23
"""Multiply-adds of an update's forward pass for each thread beyond the first. On two cores the second one begins to
gain between half and the whole of it; that a third takes as much again is not measured."""
_USUAL_WIDTHS = (64, 64)  # assumed of a torso that does not say its widths
_MOST = 8  # threads; nothing was measured beyond two


def threads_for(work: int, *, cores: int) -> int:
    """The number of threads for updates of so many multiply-adds; never more than there are cores."""
    return max(1, min(1 + work // _WORTH_A_THREAD, cores, _MOST))


def update_work(*, samples: int, widths: Sequence[int]) -> int:
    """Multiply-adds of an update's forward pass through the torso.

    Args:
        samples: of a minibatch, those of all seeds together.
        widths: units of each layer; the first is taken to be as wide in as it is out.
    """
    return samples * sum(inputs * units for inputs, units in zip([*widths[:1], *widths[:-1]], widths, strict=True))


def work_of(config: DictConfig) -> int:
    """`update_work` of a composed config."""
    samples = config.num_envs * config.agent.rollout_length * config.seeds // config.agent.minibatches
    return update_work(samples=samples, widths=_widths(config.network))


def chosen_threads(config: DictConfig, summaries: Iterable[Mapping[str, Any]] = ()) -> int:
    """`threads`; where it is `auto`, the number with which a run began that is to go on, or the rule's.

    summaries: of the runs to go on. Weights depend on the number in their last bits.
    """
    if config.threads != AUTO:
        return config.threads
    recorded = [n for summary in summaries if type(n := summary.get("threads")) is int and n >= 1]
    return recorded[0] if recorded else threads_for(work_of(config), cores=available_cores())


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


def _widths(network: Mapping[str, Any]) -> Sequence[int]:
    torso = network.get("torso") or {}
    return tuple(torso.get("widths") or _USUAL_WIDTHS)
