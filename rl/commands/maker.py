"""Objects from config nodes: every value is checked, and an error says where in the config it stands."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from rl.commands.composition import choices_of
from rl.errors import ConfigError, require
from rl.gradients.probes import PROBES, Probe
from rl.setting_errors import SettingError, shown
from rl.settings import check_values, has_settings

_OWN = "rl"
_LATER = {
    "environment": ("num_envs", "render_mode"),
    "network": ("observation_space", "action_space", "heads", "seed"),
}
"""Arguments that are known only when an environment or a network is made."""


class Maker:
    """Makes the objects that config nodes name in `_target_`, and says where in the config a wrong value stands."""

    def __init__(self, trusted: Sequence[str] | None):
        self._trusted = trusted

    def make(self, node: Any, path: str, **more: Any) -> Any:
        """The object of a node, those of its own nodes first; more: arguments that no config holds."""
        target, values = self._taken_apart(node, path)
        inner = self._inner(values, path)
        try:
            arguments = check_values(target, {**plain(values), **inner, **more})
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
            check_values(target, {**plain(values), **inner}, later=_LATER[path])
        except SettingError as error:
            raise error.within(path) from None

    def _inner(self, values: Mapping[str, Any], path: str) -> dict[str, Any]:
        """The objects of the nodes among the values; whatever is a group of its own has to be one."""
        inner = {}
        for key, value in values.items():
            if _is_node(value) or choices_of(f"{path}/{key}"):
                inner[key] = self.make(value, f"{path}.{key}")
            elif isinstance(value, DictConfig) and any(map(_is_node, value.values())):
                inner[key] = {**plain(value), **self._inner(value, f"{path}.{key}")}
        return inner

    def check_environment(self, node: DictConfig) -> None:
        """`module:Name-v0` imports a module: the same rule as for a `_target_`."""
        name = node.get("id")
        if isinstance(name, str) and ":" in name:
            self._require_trust(name.split(":")[0], "environment.id", name)

    def probe(self, name: str, place: int) -> Probe:
        """The probe with a name in `probe.names`: one of this package, or a function's dotted name."""
        key = f"probe.names[{place}]"
        if name in PROBES:
            return PROBES[name]
        require(
            "." in name,
            f"{key} is {name!r}; it must be one of {', '.join(PROBES)}, or the dotted name of a function of your own.",
        )
        self._require_trust(name, key, name)
        probe = _located(name, key)
        require(callable(probe), f"{key} is {name!r}; it must be a function of the evidence of an update.")
        return probe

    def _taken_apart(self, node: Any, path: str) -> tuple[Callable, dict[str, Any]]:
        if not (isinstance(node, DictConfig) and isinstance(node.get("_target_"), str)):
            raise ConfigError(not_a_group(path, node, given=True))
        self._require_trust(node._target_, f"{path}._target_", node._target_)
        target = _located(node._target_, f"{path}._target_")
        require(callable(target), f"{path}._target_ is {node._target_!r}; it must be a class or a function.")
        self._require_settings(target, f"{path}._target_", node._target_)
        return target, {str(key): value for key, value in node.items() if key not in ("_target_", "_convert_")}

    def _require_settings(self, target: Callable, key: str, value: str) -> None:
        """Allows only classes and functions of this package that are meant to be made from a config.

        Its other functions, and the modules that can be reached through it (`rl.….shutil.rmtree`), are as dangerous as
        anybody's.
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


def not_a_group(path: str, node: Any, *, given: bool) -> str:
    """The message for a node that should hold the keys of a group; given: whether the key is there."""
    what = f"{path} is {shown(plain_value(node))}" if given else f"the key {path} is gone"
    choices = choices_of(path.replace(".", "/"))
    offered = f"choose {path.replace('.', '/')}={' or '.join(choices[:8])}" if choices else "give its keys one by one"
    return f"{what}; it must hold the keys of configs/: {offered}."


def of_kind(made: Any, kind: type, path: str) -> Any:
    """What was made, if it is of the kind: a protocol's members are looked for by name."""
    members = [name for name in vars(kind) if not name.startswith("_")] if getattr(kind, "_is_protocol", False) else []
    fits = all(hasattr(made, name) for name in members) if members else isinstance(made, kind)
    require(fits, f"{path}._target_ makes {_article(type(made).__name__)}; it must make {_article(kind.__name__)}.")
    return made


def _article(name: str) -> str:
    return f"{'an' if name[:1] in 'AEIOU' else 'a'} {name}"


def _is_node(value: Any) -> bool:
    return isinstance(value, DictConfig) and "_target_" in value


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values without nodes, configs as plain lists and dictionaries."""
    return {str(key): plain_value(value) for key, value in values.items() if not _is_node(value)}


def plain_value(value: Any) -> Any:
    """A config as plain lists and dictionaries; other values as they are."""
    return OmegaConf.to_container(value, resolve=True) if isinstance(value, DictConfig | ListConfig) else value
