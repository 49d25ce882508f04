"""The parts of an experiment, made from a composed config: every value is checked before anything is built."""

import importlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rl.agents import Agent
from rl.commands.composition import choices_of
from rl.commands.run_names import flat
from rl.environments import Environment
from rl.errors import ConfigError, require
from rl.frozen import Schedule
from rl.gradients.probes import probes_named
from rl.learning.normalization import Normalizer
from rl.networks import ActorCriticNetwork
from rl.runs.settings import (
    CheckpointSettings,
    EvaluationSettings,
    LoadSettings,
    LoggingSettings,
    ProbeSettings,
    RootSettings,
    RunSettings,
)
from rl.settings import SettingError, check_values, has_settings, shown
from rl.updates.combiners import Combiner
from rl.updates.freezing import Freeze
from rl.updates.optimizers import Optimizer

_OWN = "rl"
_GROUPS = ("agent", "environment", "network", "combiner", "optimizer", "frozen")
_OBSERVED = {
    "evaluation": EvaluationSettings,
    "checkpoint": CheckpointSettings,
    "logging": LoggingSettings,
    "probe": ProbeSettings,
    "load": LoadSettings,
}
_LATER = {
    "environment": ("num_envs", "render_mode"),
    "network": ("observation_space", "action_space", "heads", "seed"),
}
"""Arguments that are known only when an environment or a network is made."""


class Parts(NamedTuple):
    """What a config comes to before an environment is made; made: the arguments of `build_experiment` that it gives."""

    root: RootSettings
    run: RunSettings
    made: dict[str, Any]


def parts_of(config: DictConfig, *, trusted: Sequence[str] | None = None) -> Parts:
    """Checks every value of a config, and makes what needs no environment.

    Args:
        trusted: packages, besides this one, whose code the config may name; None trusts it wholly.
    Raises: ConfigError.
    """
    root, run = run_settings(config)
    maker = Maker(trusted)
    environment, network = config.environment, config.network
    maker.check(environment, "environment")
    maker.check_environment(environment)
    maker.check(network, "network")
    agent, combiner = maker.make(config.agent, "agent"), maker.make(config.combiner, "combiner")
    made = {
        "agent": _of_kind(agent, Agent, "agent"),
        "make_environment": lambda **more: _of_kind(
            maker.make(environment, "environment", **more), Environment, "environment"
        ),
        "make_network": lambda **more: _network(maker, network, more),
        "combiner": _of_kind(combiner, Combiner, "combiner"),
        "optimizer": _of_kind(maker.make(config.optimizer, "optimizer"), Optimizer, "optimizer"),
        "schedules": {
            role: _of_kind(maker.make(config.frozen[role], f"frozen.{role}"), Schedule, f"frozen.{role}")
            for role in config.frozen
        },
        "normalizer": _of_kind(maker.make(config.normalize, "normalize"), Normalizer, "normalize"),
        "freeze": Freeze(patterns=root.freeze, until=root.unfreeze_at),
        "probes": probes_named(run.probe.names),
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


def run_settings(config: DictConfig) -> tuple[RootSettings, RunSettings]:
    """The values that stand outside of the groups; ConfigError for one that is wrong, unknown, or gone."""
    try:
        values = flat(config)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{str(error).splitlines()[0]} ({getattr(error, 'full_key', None)}).") from None
    for key, value in values.items():
        require(value != "???", f"{key} must be given.")
    groups = (*_GROUPS, *_OBSERVED, "normalize")
    gone = [group for group in groups if not isinstance(config.get(group), DictConfig)]
    if gone:
        raise ConfigError(_not_a_group(gone[0], config.get(gone[0]), given=gone[0] in config))
    rest = {str(key): _plain_value(value) for key, value in config.items() if key not in groups}
    root = RootSettings(**rest)
    observed = {}
    for key, kind in _OBSERVED.items():
        try:
            observed[key] = kind(**_plain(config[key]))
        except SettingError as error:
            raise error.within(key) from None
    return root, RunSettings(**observed)


class Maker:
    """Makes the objects that config nodes name in `_target_`, and says where in the config a wrong value stands."""

    def __init__(self, trusted: Sequence[str] | None):
        self._trusted = trusted

    def make(self, node: Any, path: str, **more: Any) -> Any:
        """The object of a node, those of its own nodes first; more: arguments that no config holds."""
        target, values = self._taken_apart(node, path)
        inner = self._inner(values, path)
        try:
            arguments = check_values(target, {**_plain(values), **inner, **more})
            return target(**arguments)
        except SettingError as error:
            raise error.within(path) from None
        except TypeError as error:
            raise ConfigError(f"{path}: {node._target_} cannot be made from this config: {error}.") from None

    def check(self, node: Any, path: str) -> None:
        """Checks the values of a node whose object needs arguments that are not known yet."""
        target, values = self._taken_apart(node, path)
        inner = self._inner(values, path)
        try:
            check_values(target, {**_plain(values), **inner}, later=_LATER[path])
        except SettingError as error:
            raise error.within(path) from None

    def _inner(self, values: Mapping[str, Any], path: str) -> dict[str, Any]:
        """The objects of the nodes among the values; whatever is a group of its own has to be one."""
        inner = {}
        for key, value in values.items():
            if _is_node(value) or choices_of(f"{path}/{key}"):
                inner[key] = self.make(value, f"{path}.{key}")
            elif isinstance(value, DictConfig) and any(map(_is_node, value.values())):
                inner[key] = {**_plain(value), **self._inner(value, f"{path}.{key}")}
        return inner

    def check_environment(self, node: DictConfig) -> None:
        """`module:Name-v0` imports a module: the same rule as for a `_target_`."""
        name = node.get("id")
        if isinstance(name, str) and ":" in name:
            self._require_trust(name.split(":")[0], "environment.id", name)

    def _taken_apart(self, node: Any, path: str) -> tuple[Callable, dict[str, Any]]:
        if not (isinstance(node, DictConfig) and isinstance(node.get("_target_"), str)):
            raise ConfigError(_not_a_group(path, node, given=True))
        self._require_trust(node._target_, f"{path}._target_", node._target_)
        target = _located(node._target_, f"{path}._target_")
        require(callable(target), f"{path}._target_ is {node._target_!r}; it must be a class or a function.")
        self._require_settings(target, f"{path}._target_", node._target_)
        return target, {str(key): value for key, value in node.items() if key not in ("_target_", "_convert_")}

    def _require_settings(self, target: Callable, key: str, value: str) -> None:
        """Of this package only what is meant to be made from a config: its other functions, and the modules that can be
        reached through it (`rl.….shutil.rmtree`), are as dangerous as anybody's.
        """
        if self._trusted is None or not value.startswith(f"{_OWN}."):
            return
        own = getattr(target, "__module__", "").split(".")[0] == _OWN
        require(own and has_settings(target), f"{key} is {value!r}, which is not made from a config.")

    def _require_trust(self, name: str, key: str, value: str) -> None:
        if self._trusted is None or any(name == one or name.startswith(f"{one}.") for one in (_OWN, *self._trusted)):
            return
        raise ConfigError(
            f"{key} is {value!r}: a run directory may have been written by anybody, so only code of {_OWN} is called "
            f"unasked; where you trust it, add --trust {name.split('.', maxsplit=1)[0]}."
        )


def _located(name: str, key: str) -> Any:
    """What a dotted name stands for: an attribute of the longest module that there is."""
    steps = name.split(".")
    try:
        found = importlib.import_module(steps[0])
        for end, step in enumerate(steps[1:], 2):
            found = getattr(found, step) if hasattr(found, step) else importlib.import_module(".".join(steps[:end]))
        return found
    except ImportError as error:
        raise ConfigError(f"{key} is {name!r}, which cannot be imported: {error}.") from None
    except Exception as error:  # whatever somebody's module raises
        raise ConfigError(f"{key} is {name!r}, which cannot be imported: {error!r}.") from None


def _not_a_group(path: str, node: Any, *, given: bool) -> str:
    what = f"{path} is {shown(_plain_value(node))}" if given else f"the key {path} is gone"
    choices = choices_of(path.replace(".", "/"))
    offered = f"choose {path.replace('.', '/')}={' or '.join(choices[:8])}" if choices else "give its keys one by one"
    return f"{what}; it must hold the keys of configs/: {offered}."


def _of_kind(made: Any, kind: type, path: str) -> Any:
    """What was made, if it is of the kind: a protocol's members are looked for by name."""
    members = [name for name in vars(kind) if not name.startswith("_")] if getattr(kind, "_is_protocol", False) else []
    fits = all(hasattr(made, name) for name in members) if members else isinstance(made, kind)
    require(fits, f"{path}._target_ makes {_article(type(made).__name__)}; it must make {_article(kind.__name__)}.")
    return made


def _network(maker: "Maker", node: DictConfig, more: Mapping[str, Any]) -> ActorCriticNetwork:
    try:
        made = maker.make(node, "network", **more)
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        raise ConfigError(f"the network does not fit into memory (network): {str(error).splitlines()[0]}.") from None
    return _of_kind(made, ActorCriticNetwork, "network")


def _article(name: str) -> str:
    return f"{'an' if name[:1] in 'AEIOU' else 'a'} {name}"


def _is_node(value: Any) -> bool:
    return isinstance(value, DictConfig) and "_target_" in value


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values without nodes, configs as plain lists and dictionaries."""
    return {str(key): _plain_value(value) for key, value in values.items() if not _is_node(value)}


def _plain_value(value: Any) -> Any:
    return OmegaConf.to_container(value, resolve=True) if isinstance(value, DictConfig | ListConfig) else value


__all__: Collection[str] = ["Maker", "Parts", "parts_of", "run_settings"]
