"""The name of a run: the settings that differ from its experiment's defaults, by resolved values, then the seed.

    combiner-pcgrad__optimizer.learning_rate-0.001__seed-3

Equal settings have the same name however they are written, so that the same command finds its run directory again.
A name consists of letters, digits and `._-`, so that it can be pasted into a shell, a Hydra override and a URL.
Directories with the names that earlier versions gave (`combiner=pcgrad,seed=3`) are still found.
"""

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rl.commands.choices import choices_of
from rl.commands.name_text import former_joined, identity, joined, safe, unresolved
from rl.config_files import CONFIGS

WEIGHTLESS = (
    "seeds",
    "threads",
    "compilation_cache",
    "extend",
    "fresh",
    "retry_failed",
    "objective",
    "logger",
    "logging",
    "evaluation",
    "checkpoint.every_steps",
    "checkpoint.keep",
    "probe",
)
"""Keys, and groups of keys, that do not change the final weights of a seed."""
JOURNAL = "TAPESTRY_SWEEP"
"""The environment variable that tells a job of a sweep the folder of the sweep's journal."""
ARGUMENTS = "arguments"
"""The journal's file with the overrides of the sweep, a JSON list."""
_FORMERLY_WEIGHTLESS = ("seed", "seeds", "fresh", "threads", "logging.progress", "objective", "retry_failed")


def changes_weights(key: str) -> bool:
    """Whether the final weights of a seed depend on a dotted key other than `seed`."""
    return key != "seed" and not any(key == one or key.startswith(f"{one}.") for one in WEIGHTLESS)


def job_name(root: DictConfig) -> str:
    """The name of a job.

    A group whose choice differs from the experiment's appears as `group-choice`, any other key that differs from its
    default as `key-value`. A long name ends in a digest of all settings; the keys that a sweep varies come first, so
    that they stay legible. Two names with the same settings in another order denote one run (`run_directory_name`).

    Args:
        root: the composed config with Hydra's own node.
    """
    parts = _settings_of(root)
    swept = [key for key in _swept_keys(root) if key in parts]
    order = swept + sorted(parts.keys() - set(swept))
    return joined({key: parts[key] for key in order}, root.seed)


def run_directory_name(root: DictConfig, folder: Path) -> str:
    """`job_name`, or the name that this run's directory in the folder already has.

    That is a name with the same settings in another order, or one given by an earlier version.
    """
    name = job_name(root)
    if (folder / name).exists() or not folder.is_dir():
        return name
    former = former_job_name(root)
    if (folder / former).exists():
        return former
    key = identity(name)
    return next((entry.name for entry in folder.iterdir() if identity(entry.name) == key), name)


def run_paths(output: Path, config: DictConfig) -> list[Path]:
    """The run directories of the seeds `seed`, `seed + 1`, …, one for each of the `seeds` of a program.

    They are the directories of solo runs with these seeds. If `output` was chosen by hand and does not end with the
    seed, they are folders in it, `seed-0`, `seed-1`, …

    Args:
        output: the directory that Hydra names for the first seed.
    """
    if config.seeds == 1:
        return [output]
    for ending in ("seed-", "seed="):
        if output.name.endswith(f"{ending}{config.seed}"):
            start = output.name.removesuffix(str(config.seed))
            return [output.parent / f"{start}{config.seed + number}" for number in range(config.seeds)]
    form = "seed={}" if (output / f"seed={config.seed}").exists() else "seed-{}"
    return [output / form.format(config.seed + number) for number in range(config.seeds)]


def flat(config: DictConfig, *, resolve: bool = True) -> dict[str, Any]:
    """{dotted key: value} of a config's leaves; a list is a leaf, and so is an empty mapping.

    Args:
        resolve: whether to resolve interpolations; otherwise they stay texts such as `${agent.gamma}`.
    """
    values: dict[str, Any] = {}

    def walk(prefix: str, node: Any) -> None:
        if isinstance(node, dict) and node:
            for key, value in node.items():
                walk(f"{prefix}.{key}" if prefix else str(key), value)
        else:
            values[prefix] = node

    walk("", OmegaConf.to_container(config, resolve=resolve))
    return values


def what_tells_apart(config: DictConfig) -> dict[str, Any]:
    """`flat`, restricted to the keys on which the weights of a given seed depend."""
    return {key: value for key, value in flat(config).items() if changes_weights(key)}


def varied_keys(arguments: Sequence[str]) -> list[str]:
    """The keys and groups to which a sweep's overrides give several values; none where they cannot be parsed."""
    try:
        overrides = OverridesParser.create().parse_overrides(list(arguments))
    except OverrideParseException:
        return []
    return [override.key_or_group for override in overrides if override.is_sweep_override()]


def register_resolvers() -> None:
    """Registers `run_group` and `run_job`, the last two folders of a run's path: experiment and job name."""
    OmegaConf.register_new_resolver("run_group", lambda *, _root_: _group(_root_), replace=True)
    OmegaConf.register_new_resolver("run_job", lambda *, _root_: _job(_root_), replace=True)


register_resolvers()


def _group(root: DictConfig) -> str:
    """The choice of the group `experiment`."""
    return _choices(root).get("experiment", "default")


def _job(root: DictConfig) -> str:
    """The name of the run's directory in runs/.

    A config that cannot be resolved gets a name from its overrides, so that Hydra starts the job: the job itself then
    reports the error, and the other jobs of a sweep continue.
    """
    try:
        return run_directory_name(root, Path("runs") / _group(root))
    except OmegaConfBaseException:
        asked = ",".join(OmegaConf.to_container(root.hydra.overrides.task, resolve=False))
        return unresolved(asked)


def _settings_of(root: DictConfig) -> dict[str, str]:
    """{group or key: choice or value} of the settings in the name, all as texts.

    A choice is in the name if it is not the experiment's, a value if it is not the default of the chosen options; both
    only if the weights depend on them.
    """
    choices = _choices(root)
    standard = _choices(_composed(root, f"experiment={choices.get('experiment', 'default')}"))
    usual = _without_hydra(_composed(root, *(f"{group}={choice}" for group, choice in choices.items())))
    parts = {group: choice for group, choice in choices.items() if standard.get(group) != choice}
    parts |= _changed(_without_hydra(root), usual)
    parts = {key: value for key, value in parts.items() if changes_weights(key)}
    return {safe(key.replace("/", ".").replace("*", "all")): safe(value) for key, value in parts.items()}


def _changed(config: DictConfig, usual: DictConfig) -> dict[str, Any]:
    """{dotted key: value} where a config differs from the default one; the value of a removed key is "deleted".

    Values that follow another key by interpolation, as `normalize.gamma` follows `agent.gamma`, are left out, and so
    are empty mappings to which keys were added, since these have entries of their own.
    """
    given, standard = flat(config), flat(usual)
    written, formerly = flat(config, resolve=False), flat(usual, resolve=False)
    changed = {}
    for key in {**standard, **given}:
        value = given.get(key, "deleted")
        follows = "${" in str(written.get(key)) and written.get(key) == formerly.get(key)
        emptied = standard.get(key) == {} and key not in given
        if standard.get(key, {}) != value and not follows and not emptied:
            changed[key] = value
    return changed


def _swept_keys(root: DictConfig) -> list[str]:
    """The keys that the job's sweep varies, as a name has them; none for a single run."""
    journal = OmegaConf.select(root, f"hydra.job.env_set.{JOURNAL}")
    try:
        arguments = json.loads((Path(journal) / ARGUMENTS).read_text())
    except (OSError, ValueError, TypeError):
        return []
    return [key.replace("/", ".") for key in varied_keys(arguments)]


def former_job_name(root: DictConfig) -> str:
    """The name that earlier versions gave: `key=value` joined by commas."""
    choices = _choices(root)
    standard = _choices(_composed(root, f"experiment={choices.get('experiment', 'default')}"))
    parts = {group: choice for group, choice in choices.items() if standard.get(group) != choice}
    usual = flat(_without_hydra(_composed(root, *(f"{group}={choice}" for group, choice in choices.items()))))
    given = flat(_without_hydra(root))
    changed = {key: given.get(key, "deleted") for key in {**usual, **given} if usual.get(key) != given.get(key)}
    parts |= {key: value for key, value in changed.items() if not key.startswith(_FORMERLY_WEIGHTLESS)}
    return former_joined(parts, root.seed)


def _composed(root: DictConfig, *overrides: str) -> DictConfig:
    """The training config with other overrides and Hydra's own node, from the same search path as `root`."""
    folders = ",".join(f"'{place}'" for place in root.hydra.searchpath)
    return _composed_once(*overrides, *([f"hydra.searchpath=[{folders}]"] if folders else []))


@functools.cache
def _composed_once(*overrides: str) -> DictConfig:
    """`_composed`, cached for all jobs of a sweep."""
    return hydra.compose("train", overrides=list(overrides), return_hydra_config=True)


def _choices(root: DictConfig) -> dict[str, str]:
    """{group: choice}, without Hydra's own groups and groups without a choice.

    Hydra does not record several choices of one group; those of `auxiliary` are read off the config.
    """
    every = root.hydra.runtime.choices.items()
    found = {group: choice for group, choice in every if not group.startswith("hydra/") and choice is not None}
    offered = {option for folder in _folders(root) for option in choices_of("auxiliary", folder)}
    several = sorted(set(root.get("auxiliary") or {}) & offered)
    return {**found, **({"auxiliary": f"[{','.join(several)}]"} if several else {})}


def _folders(root: DictConfig) -> list[Path]:
    """The config folders on Hydra's search path: this package's, and the user's own."""
    sources = root.hydra.runtime.config_sources
    return [CONFIGS, *(Path(source.path) for source in sources if source.schema == "file")]


def _without_hydra(root: DictConfig) -> DictConfig:
    """The config without Hydra's own node."""
    return OmegaConf.masked_copy(root, [key for key in root if key != "hydra"])
