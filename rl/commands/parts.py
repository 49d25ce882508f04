"""The parts of an experiment, from a composed config: every value is checked before anything is built."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from rl.agents import Agent
from rl.agents.auxiliary import Auxiliary
from rl.commands.choices import choices_of
from rl.commands.maker import Maker, not_a_group, of_kind, plain, plain_value
from rl.commands.run_names import flat
from rl.environments import Environment
from rl.errors import ConfigError, require
from rl.frozen import Schedule
from rl.learning.normalization import Normalizer
from rl.networks import ActorCriticNetwork
from rl.runs.loggers import Csv, Logger
from rl.runs.settings import (
    CheckpointSettings,
    EvaluationSettings,
    LoadSettings,
    LoggingSettings,
    ProbeSettings,
    RootSettings,
    RunSettings,
)
from rl.setting_errors import SettingError
from rl.sources import Uniform
from rl.updates.combiners import Combiner
from rl.updates.freezing import Freeze
from rl.updates.optimizers import Optimizer

_GROUPS = ("agent", "environment", "network", "combiner", "optimizer", "frozen", "normalize", "replay")
"""The config groups whose objects an experiment consists of."""
_OBSERVED = {
    "evaluation": EvaluationSettings,
    "checkpoint": CheckpointSettings,
    "logging": LoggingSettings,
    "probe": ProbeSettings,
    "load": LoadSettings,
}
"""{key at the root of a config: the class of its settings}, for what does not belong to a part."""


class Parts(NamedTuple):
    """The settings and objects of a config before an environment is made.

    root: the keys at the root. run: how a run begins, is evaluated, saved, logged and probed. made: {argument of
    `build_experiment`: value}, all but those that `root` has.
    """

    root: RootSettings
    run: RunSettings
    made: dict[str, Any]


def parts_of(config: DictConfig, *, trusted: Sequence[str] | None = None) -> Parts:
    """Checks every value of a config, and makes what needs no environment.

    Args:
        config: composed, with interpolations.
        trusted: packages, besides this one, whose code the config may name; None trusts every package.
    Raises: ConfigError, naming the key, for the first value that is wrong, unknown or missing.
    """
    root, run = run_settings(config)
    maker = Maker(trusted)
    make_environment, network = environment_maker(config.environment, trusted=trusted), config.network
    maker.check(network, "network")
    agent, combiner = _agent(maker, config), maker.make(config.combiner, "combiner")
    made = {
        "agent": of_kind(agent, Agent, "agent"),
        "make_environment": make_environment,
        "make_network": lambda **more: _network(maker, network, more),
        "combiner": of_kind(combiner, Combiner, "combiner"),
        "optimizer": of_kind(maker.make(config.optimizer, "optimizer"), Optimizer, "optimizer"),
        "schedules": {
            role: of_kind(maker.make(config.frozen[role], f"frozen.{role}"), Schedule, f"frozen.{role}")
            for role in config.frozen
        },
        "normalizer": of_kind(maker.make(config.normalize, "normalize"), Normalizer, "normalize"),
        "freeze": Freeze(patterns=root.freeze, until=root.unfreeze_at),
        "probes": tuple(maker.probe(name, place) for place, name in enumerate(run.probe.names)),
        "probe_samples": run.probe.samples,
        "oracle": run.probe.oracle,
    }
    made["agent"].check_frozen(made["schedules"])
    require(
        "target" not in made["schedules"]
        or "target" in made["agent"].frozen_roles
        or {"staleness", "through_target"} & set(run.probe.names),
        "there is a frozen copy `target` (frozen.target), but nothing bootstraps from it: set "
        "agent.bootstrap.of=target, choose another agent/bootstrap, or frozen=default.",
    )
    return Parts(root, run, made)


def environment_maker(node: DictConfig, *, trusted: Sequence[str] | None = None) -> Callable[..., Environment]:
    """(num_envs=…, render_mode=…) → environments of the config group `environment`, whose values are checked here.

    Args: node: of the config; trusted: see `parts_of`. Raises: ConfigError as `parts_of` does.
    """
    maker = Maker(trusted)
    maker.check(node, "environment")
    maker.check_environment(node)
    return lambda **more: of_kind(maker.make(node, "environment", **more), Environment, "environment")


def loggers_of(config: DictConfig) -> Callable[[], dict[str, Logger]]:
    """() → {name: logger} of the config group `logger`, each made and checked once here.

    Raises: ConfigError where one cannot be made, as without its extra, and where `csv` is not among them.
    """
    chosen = config.get("logger")
    if not isinstance(chosen, DictConfig):
        given = "empty" if chosen is None else repr(chosen)
        raise ConfigError(f"logger is {given}; choose some with logger=[…] from {', '.join(choices_of('logger'))}.")

    def make() -> dict[str, Logger]:
        maker = Maker(None)
        return {
            str(name): of_kind(maker.make(node, f"logger.{name}"), Logger, f"logger.{name}")
            for name, node in chosen.items()
        }

    require(
        any(isinstance(logger, Csv) for logger in make().values()),
        f"logger is [{', '.join(map(str, chosen))}], without csv: resuming, reports and studies read metrics.csv; add "
        f"it: logger=[{','.join(['csv', *map(str, chosen)])}].",
    )
    return make


def _agent(maker: Maker, config: DictConfig) -> Any:
    """Makes the agent, with its auxiliary objectives if there are any, and its memory if it has one."""
    auxiliary = {
        str(name): of_kind(maker.make(node, f"auxiliary.{name}"), Auxiliary, f"auxiliary.{name}")
        for name, node in (config.get("auxiliary") or {}).items()
    }
    more = {"auxiliary": auxiliary} if auxiliary else {}
    replay = of_kind(maker.make(config.replay, "replay"), Uniform, "replay")
    if maker.takes(config.agent, "agent", "replay"):
        more["replay"] = replay
    return maker.make(config.agent, "agent", **more)


def run_settings(config: DictConfig) -> tuple[RootSettings, RunSettings]:
    """The settings outside of the parts: the keys at the root, and `_OBSERVED`.

    Raises: ConfigError, naming the key, for one that is wrong, unknown or missing.
    """
    try:
        values = flat(config)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{str(error).splitlines()[0]} ({getattr(error, 'full_key', None)}).") from None
    for key, value in values.items():
        require(value != "???", f"{key} must be given.")
    groups = (*_GROUPS, *_OBSERVED)
    gone = [group for group in groups if not isinstance(config.get(group), DictConfig)]
    if gone:
        raise ConfigError(not_a_group(gone[0], config.get(gone[0]), given=gone[0] in config))
    if "auxiliary" in config and not isinstance(config.auxiliary, DictConfig):
        offered = ", ".join(choices_of("auxiliary"))
        raise ConfigError(f"auxiliary is {config.auxiliary!r}; choose any number with auxiliary=[…] from {offered}.")
    several = ("auxiliary", "logger")
    rest = {str(key): plain_value(value) for key, value in config.items() if key not in (*groups, *several)}
    root = RootSettings(**rest)
    observed = {}
    for key, kind in _OBSERVED.items():
        try:
            observed[key] = kind(**plain(config[key]))
        except SettingError as error:
            raise error.within(key) from None
    return root, RunSettings(**observed)


def _network(maker: Maker, node: DictConfig, more: Mapping[str, Any]) -> ActorCriticNetwork:
    """Makes the network of a node; more: spaces, heads, seed. Raises: ConfigError where it does not fit into memory."""
    try:
        made = maker.make(node, "network", **more)
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        raise ConfigError(f"the network does not fit into memory (network): {str(error).splitlines()[0]}.") from None
    return of_kind(made, ActorCriticNetwork, "network")
