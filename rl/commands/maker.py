"""Makes objects from config nodes: every value is checked, and an error names its key in the config."""

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from rl.commands.choices import choices_of
from rl.errors import ConfigError, require
from rl.gradients.probes import PROBES, Probe
from rl.setting_errors import SettingError, shown
from rl.settings import check_values, has_settings

_OWN = "rl"
_LATER = {
    "environment": ("num_envs", "render_mode"),
    "network": ("observation_space", "action_space", "heads", "seed"),
}
"""{path of a node: arguments that are known only when its object is made}."""


class Maker:
    """Makes the objects that config nodes name in `_target_`.

    All methods raise ConfigError, naming the key, for a value that is wrong or code that is not trusted. `path` is the
    dotted key of a node.
    """

    def __init__(self, trusted: Sequence[str] | None):
        """trusted: packages, besides this one, whose code the config may name; None trusts every package."""
        self._trusted = trusted

    def make(self, node: Any, path: str, **more: Any) -> Any:
        """Makes the object of a node, after the objects of the nodes inside it.

        more: arguments that no config holds, such as spaces.
        """
        target, values = self._taken_apart(node, path)
        inner = self._inner(values, path)
        try:
            arguments = check_values(target, {**plain(values), **inner, **more})
            return target(**arguments)
        except SettingError as error:
            raise error.within(path) from None
        except TypeError as error:
            raise ConfigError(f"{path}: {node._target_} cannot be made from this config: {error}.") from None

    def takes(self, node: Any, path: str, argument: str) -> bool:
        """Whether the object of a node has an argument of this name."""
        return argument in inspect.signature(self._taken_apart(node, path)[0]).parameters

    def check(self, node: Any, path: str) -> None:
        """Checks the values of a node whose object needs arguments that are not known yet (`_LATER`)."""
        target, values = self._taken_apart(node, path)
        inner = self._inner(values, path)
        try:
            check_values(target, {**plain(values), **inner}, later=_LATER[path])
        except SettingError as error:
            raise error.within(path) from None

    def _inner(self, values: Mapping[str, Any], path: str) -> dict[str, Any]:
        """{key: object} of the nodes among the values; a value under the name of a config group must be a node."""
        inner = {}
        for key, value in values.items():
            if _is_node(value) or choices_of(f"{path}/{key}"):
                inner[key] = self.make(value, f"{path}.{key}")
            elif isinstance(value, DictConfig) and any(map(_is_node, value.values())):
                inner[key] = {**plain(value), **self._inner(value, f"{path}.{key}")}
        return inner

    def check_environment(self, node: DictConfig) -> None:
        """Requires trust in the module that an id such as `module:Name-v0` imports, as for a `_target_`."""
        name = node.get("id")
        if isinstance(name, str) and ":" in name:
            self._require_trust(name.split(":")[0], "environment.id", name)

    def probe(self, name: str, place: int) -> Probe:
        """The probe of entry `place` in `probe.names`: one of this package by name, or a function by dotted name."""
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
        """(class or function, {argument: value}) of a node, checked to be trusted."""
        if not (isinstance(node, DictConfig) and isinstance(node.get("_target_"), str)):
            raise ConfigError(not_a_group(path, node, given=True))
        self._require_trust(node._target_, f"{path}._target_", node._target_)
        target = _located(node._target_, f"{path}._target_")
        require(callable(target), f"{path}._target_ is {node._target_!r}; it must be a class or a function.")
        self._require_settings(target, f"{path}._target_", node._target_)
        return target, {str(key): value for key, value in node.items() if key not in ("_target_", "_convert_")}

    def _require_settings(self, target: Callable, key: str, value: str) -> None:
        """Allows only those classes and functions of this package that are meant for configs.

        Its other functions, and modules reachable through it (`rl.….shutil.rmtree`), are as dangerous as foreign code.
        With every package trusted, nothing is checked.
        """
        if self._trusted is None or not value.startswith(f"{_OWN}."):
            return
        own = getattr(target, "__module__", "").split(".")[0] == _OWN
        require(own and has_settings(target), f"{key} is {value!r}, which is not made from a config.")

    def _require_trust(self, name: str, key: str, value: str) -> None:
        """Requires that a dotted name belongs to this package or to a trusted one."""
        if self._trusted is None or any(name == one or name.startswith(f"{one}.") for one in (_OWN, *self._trusted)):
            return
        raise ConfigError(
            f"{key} is {value!r}: a run directory may have been written by anybody, so only code of {_OWN} is called "
            f"unasked; where you trust it, add --trust {name.split('.', maxsplit=1)[0]}."
        )


def _located(name: str, key: str) -> Any:
    """The object with a dotted name; modules are imported as needed. key: for the message of the ConfigError."""
    steps = name.split(".")
    try:
        found = importlib.import_module(steps[0])
        for end, step in enumerate(steps[1:], 2):
            found = getattr(found, step) if hasattr(found, step) else importlib.import_module(".".join(steps[:end]))
        return found
    except ImportError as error:
        raise ConfigError(f"{key} is {name!r}, which cannot be imported: {error}.") from None
    except Exception as error:  # a user's module may raise anything
        raise ConfigError(f"{key} is {name!r}, which cannot be imported: {error!r}.") from None


def not_a_group(path: str, node: Any, *, given: bool) -> str:
    """The message for a node that is not a mapping with the keys of a config group.

    Args:
        path: the dotted key; node: its value; given: whether the key exists.
    """
    what = f"{path} is {shown(plain_value(node))}" if given else f"the key {path} is gone"
    choices = choices_of(path.replace(".", "/"))
    offered = f"choose {path.replace('.', '/')}={' or '.join(choices[:8])}" if choices else "give its keys one by one"
    return f"{what}; it must hold the keys of configs/: {offered}."


def of_kind(made: Any, kind: type, path: str) -> Any:
    """Returns an object if it is an instance of a class, or has the members of a protocol; else raises ConfigError.

    Args:
        made: the object; kind: the class or protocol; path: of its node, for the message.
    """
    members = [name for name in vars(kind) if not name.startswith("_")] if getattr(kind, "_is_protocol", False) else []
    fits = all(hasattr(made, name) for name in members) if members else isinstance(made, kind)
    require(fits, f"{path}._target_ makes {_article(type(made).__name__)}; it must make {_article(kind.__name__)}.")
    return made


def _article(name: str) -> str:
    """A name with its indefinite article."""
    return f"{'an' if name[:1] in 'AEIOU' else 'a'} {name}"


def _is_node(value: Any) -> bool:
    """Whether a value is a config node with a `_target_`."""
    return isinstance(value, DictConfig) and "_target_" in value


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not nodes, with configs as plain lists and dictionaries."""
    return {str(key): plain_value(value) for key, value in values.items() if not _is_node(value)}


def plain_value(value: Any) -> Any:
    """A config as plain lists and dictionaries; other values as they are."""
    return OmegaConf.to_container(value, resolve=True) if isinstance(value, DictConfig | ListConfig) else value
