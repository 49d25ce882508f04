"""The columns of TensorBoard's HParams tab: every key of a run's config, with the same type in all runs.

TensorBoard applies the first `hparams_config` that it finds in a log directory to all runs there, so none is written.
It then computes the columns from the values of all runs, and puts those that differ first.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from omegaconf import DictConfig

from rl.commands.run_names import flat
from rl.config_files import CONFIGS

Value = bool | float | str
_LEFT_OUT = ("extend", "fresh", "retry_failed", "seeds", "logging.progress")
"""Keys that control how a command is executed, and do not describe the run."""


def hyperparameters(config: DictConfig, choices: Mapping[str, str | None]) -> dict[str, Value]:
    """{key: value}: the option chosen in each group, and all values of the config by their dotted keys.

    A key has the same type in all runs, since TensorBoard's numeric filters do not work on a column with texts. Numbers
    are floats. All values of a key are texts if a file in configs/ has null for it, or says in the comment on its line
    that it may be null. A null under any other key is left out.

    Args:
        config: the composed config of one run.
        choices: {group: option}; those of Hydra's own groups are left out.
    """
    groups = {group: choice for group, choice in choices.items() if choice and not group.startswith("hydra/")}
    explained = {f"{group.replace('/', '.')}.{key}" for group in groups for key in ("_target_", "_convert_")}
    found: dict[str, Value] = {group: str(choice) for group, choice in groups.items()}
    nullable = _nullable(tuple(groups))
    for key, value in flat(config).items():
        if key in explained or key in _LEFT_OUT or key.endswith("_convert_") or key.startswith("logger."):
            continue
        if key in nullable or isinstance(value, str | list | dict):
            found[key] = _text(value)
        elif value is not None:
            found[key] = value if isinstance(value, bool) else float(value)
    return found


def _text(value: Any) -> str:
    """A value as it is typed on the command line; never empty."""
    words = {True: "true", False: "false", None: "null", "": '""'}
    return words[value] if value is None or isinstance(value, bool) or value == "" else str(value)


@functools.cache
def _nullable(groups: tuple[str, ...]) -> frozenset[str]:
    """The dotted keys that are null in a file in configs/, or may be null according to the comment on their line.

    Args:
        groups: the run's config groups; a file in another folder is an option of the first component alone.
    """
    found = set()
    for file in CONFIGS.rglob("*.yaml"):
        folders, text = file.parent.relative_to(CONFIGS).parts, file.read_text(encoding="utf-8")
        package = folders if "/".join(folders) in groups else folders[:1]
        lines = text.splitlines()
        for path, line, value in _leaves(yaml.compose(text)):
            if value == "null" or "null" in lines[line].partition("#")[2]:
                found.add(".".join((*package, *path) if package != ("experiment",) else path))
    return frozenset(found)


def _leaves(node: yaml.Node | None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], int, str]]:
    """(keys, line number from 0, text) of every scalar in a YAML document."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _leaves(value, (*path, key.value))
    elif isinstance(node, yaml.ScalarNode):
        yield path, node.start_mark.line, node.value
