"""What a run shows in TensorBoard's HParams tab: every key of its config, in the same form in all runs.

TensorBoard takes the first `hparams_config` that it meets in a log directory for all runs there, so none is written:
it then reads the columns off all runs' own values, and puts those that differ first.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from omegaconf import DictConfig

from rl.commands.composition import CONFIGS
from rl.commands.run_names import flat

Value = bool | float | str
_LEFT_OUT = ("fresh", "retry_failed", "seeds", "logging.progress")
"""What says how a command is run, and nothing about the run."""


def hyperparameters(config: DictConfig, choices: Mapping[str, str | None]) -> dict[str, Value]:
    """{key: value} of the groups' choices and of all flat values.

    A key has one type in all runs: a filter of TensorBoard's finds no number among texts. Numbers are floats. Where
    configs/ has null for a key, or says in its comment that it may be null, all its values are texts. A null elsewhere
    is left out.

    Args:
        choices: {group: option}; those of Hydra's own groups are left out.
    """
    groups = {group: choice for group, choice in choices.items() if choice and not group.startswith("hydra/")}
    explained = {f"{group.replace('/', '.')}.{key}" for group in groups for key in ("_target_", "_convert_")}
    found: dict[str, Value] = {group: str(choice) for group, choice in groups.items()}
    nullable = _nullable(tuple(groups))
    for key, value in flat(config).items():
        if key in explained or key in _LEFT_OUT or key.endswith("_convert_"):
            continue
        if key in nullable or isinstance(value, str | list | dict):
            found[key] = _text(value)
        elif value is not None:
            found[key] = value if isinstance(value, bool) else float(value)
    return found


def _text(value: Any) -> str:
    """As one types it; never empty."""
    words = {True: "true", False: "false", None: "null", "": '""'}
    return words[value] if value is None or isinstance(value, bool) or value == "" else str(value)


@functools.cache
def _nullable(groups: tuple[str, ...]) -> frozenset[str]:
    """The keys that are null in one of the files in configs/, or may be by its comment."""
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
    """(keys, line, text) of a file's scalars."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _leaves(value, (*path, key.value))
    elif isinstance(node, yaml.ScalarNode):
        yield path, node.start_mark.line, node.value
