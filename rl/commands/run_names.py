"""What a run is called: what differs from the defaults, by resolved values, and the seed last.

    combiner-pcgrad__optimizer.learning_rate-0.001__seed-3

Only letters, digits and `._-`: such a name can be pasted into a shell, into a Hydra override and into a URL.
Directories with the names of earlier versions (`combiner=pcgrad,seed=3`) are still found.
"""

import functools
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

WEIGHTLESS = (
    "seeds",
    "threads",
    "compilation_cache",
    "fresh",
    "retry_failed",
    "objective",
    "logging",
    "evaluation",
    "checkpoint.every_steps",
    "checkpoint.keep",
    "probe",
)
"""Keys, and groups of keys, that do not change the weights that a seed ends with."""
JOURNAL = "TAPESTRY_SWEEP"
"""The variable of a job's environment that says where its sweep keeps its journal."""
ARGUMENTS = "arguments"
"""The journal's file with the arguments of the sweep."""
_LONGEST = 160
_FORMERLY_WEIGHTLESS = ("seed", "seeds", "fresh", "threads", "logging.progress", "objective", "retry_failed")


def changes_weights(key: str) -> bool:
    """Whether a dotted key, other than the seed, has a say in the weights that a run ends with."""
    return key != "seed" and not any(key == one or key.startswith(f"{one}.") for one in WEIGHTLESS)


def job_name(root: DictConfig) -> str:
    """The name of a job, from the composed config with Hydra's part.

    Group choices stand as `group-choice`; other keys differ if their values do, however they were written. What a sweep
    varies comes first, so that it survives where a long name is cut; the order makes no difference to which run it is.
    """
    parts = _settings_of(root)
    swept = [key for key in _swept_keys(root) if key in parts]
    order = swept + sorted(parts.keys() - set(swept))
    return _joined({key: parts[key] for key in order}, root.seed)


def run_directory_name(root: DictConfig, folder: Path) -> str:
    """`job_name`, or the name under which this run is in the folder already."""
    name = job_name(root)
    if (folder / name).exists() or not folder.is_dir():
        return name
    former = former_job_name(root)
    if (folder / former).exists():
        return former
    key = _identity(name)
    return next((entry.name for entry in folder.iterdir() if _identity(entry.name) == key), name)


def run_paths(output: Path, config: DictConfig) -> list[Path]:
    """The directories of the runs with seeds `seed`, `seed + 1`, …: those that each would have alone.

    Where `output` was chosen by hand and does not end with the seed, a folder in it for each.
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
    """{dotted key: value}; a list is one value, and so is an empty mapping."""
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
    """`flat`, without the seed and what does not change the weights."""
    return {key: value for key, value in flat(config).items() if changes_weights(key)}


def varied_keys(arguments: Sequence[str]) -> list[str]:
    """The keys and groups to which a sweep's arguments give several values."""
    try:
        overrides = OverridesParser.create().parse_overrides(list(arguments))
    except OverrideParseException:
        return []
    return [override.key_or_group for override in overrides if override.is_sweep_override()]


def register_resolvers() -> None:
    """`run_group` and `run_job`, the last two folders of a run's path, and `choices`, for the help text."""
    OmegaConf.register_new_resolver("run_group", lambda *, _root_: _group(_root_), replace=True)
    OmegaConf.register_new_resolver("run_job", lambda *, _root_: _job(_root_), replace=True)


register_resolvers()


def _group(root: DictConfig) -> str:
    return _choices(root).get("experiment", "default")


def _job(root: DictConfig) -> str:
    """A name even for what cannot be resolved: the job itself says so, and stops no other."""
    try:
        return run_directory_name(root, Path("runs") / _group(root))
    except OmegaConfBaseException:
        asked = ",".join(OmegaConf.to_container(root.hydra.overrides.task, resolve=False))
        return f"unresolved_{hashlib.sha256(asked.encode()).hexdigest()[:10]}"


def _settings_of(root: DictConfig) -> dict[str, str]:
    """{group or key: choice or value} of what differs from the experiment's defaults and changes the weights."""
    choices = _choices(root)
    standard = _choices(_composed(f"experiment={choices.get('experiment', 'default')}"))
    usual = _without_hydra(_composed(*(f"{group}={choice}" for group, choice in choices.items())))
    parts = {group: choice for group, choice in choices.items() if standard.get(group) != choice}
    parts |= _changed(_without_hydra(root), usual)
    parts = {key: value for key, value in parts.items() if changes_weights(key)}
    return {_safe(key.replace("/", ".").replace("*", "all")): _safe(value) for key, value in parts.items()}


def _changed(config: DictConfig, usual: DictConfig) -> dict[str, Any]:
    """The values that differ, without those that only follow another one by interpolation."""
    given, standard = flat(config), flat(usual)
    written, formerly = flat(config, resolve=False), flat(usual, resolve=False)
    changed = {}
    for key in {**standard, **given}:
        value = given.get(key, "deleted")
        follows = "${" in str(written.get(key)) and written.get(key) == formerly.get(key)
        emptied = standard.get(key) == {} and key not in given  # what was put into it has a key of its own
        if standard.get(key, {}) != value and not follows and not emptied:
            changed[key] = value
    return changed


def _joined(parts: dict[str, str], seed: Any) -> str:
    settings = [f"{key}-{value}" for key, value in parts.items()]
    if len("__".join(settings)) > _LONGEST:
        digest = hashlib.sha256("__".join(sorted(settings)).encode()).hexdigest()[:10]
        kept = settings
        while len("__".join(kept)) > _LONGEST - len(digest) - 6:
            kept = kept[:-1] if len(kept) > 1 else [kept[0][:100]]
        settings = [*kept, f"etc-{digest}"]
    return "__".join([*settings, f"seed-{seed}"])


def _identity(name: str) -> tuple:
    """What all names of a run have in common: its settings in any order, or a long name's digest, and the seed."""
    parts = name.split("__")
    digest = [part for part in parts if part.startswith("etc-")]
    return (*digest, parts[-1]) if digest else tuple(sorted(parts))


def _swept_keys(root: DictConfig) -> list[str]:
    journal = OmegaConf.select(root, f"hydra.job.env_set.{JOURNAL}")
    try:
        arguments = json.loads((Path(journal) / ARGUMENTS).read_text())
    except (OSError, ValueError, TypeError):
        return []
    return [key.replace("/", ".") for key in varied_keys(arguments)]


def former_job_name(root: DictConfig) -> str:
    """The name that earlier versions gave: `key=value` joined by commas."""
    choices = _choices(root)
    standard = _choices(_composed(f"experiment={choices.get('experiment', 'default')}"))
    parts = {group: choice for group, choice in choices.items() if standard.get(group) != choice}
    usual = flat(_without_hydra(_composed(*(f"{group}={choice}" for group, choice in choices.items()))))
    given = flat(_without_hydra(root))
    changed = {key: given.get(key, "deleted") for key in {**usual, **given} if usual.get(key) != given.get(key)}
    parts |= {key: value for key, value in changed.items() if not key.startswith(_FORMERLY_WEIGHTLESS)}
    words = {key.replace("/", "."): re.sub(r"[^\w.+-]+", "_", _text(value)).strip("_") for key, value in parts.items()}
    settings = ",".join(f"{key}={value}" for key, value in sorted(words.items()))
    if len(settings.encode()) > _LONGEST:
        digest = hashlib.sha256(settings.encode()).hexdigest()[:10]
        settings = f"{settings.encode()[:100].decode(errors='ignore').rstrip(',')},etc_{digest}"
    return ",".join(filter(None, [settings, f"seed={root.seed}"]))


@functools.cache
def _composed(*overrides: str) -> DictConfig:
    """The training config with Hydra's own part; the jobs of a sweep ask for the same ones."""
    return hydra.compose("train", overrides=list(overrides), return_hydra_config=True)


def _choices(root: DictConfig) -> dict[str, str]:
    choices = root.hydra.runtime.choices
    return {group: choice for group, choice in choices.items() if not group.startswith("hydra/") and choice is not None}


def _without_hydra(root: DictConfig) -> DictConfig:
    return OmegaConf.masked_copy(root, [key for key in root if key != "hydra"])


def _safe(value: Any) -> str:
    """A value as a part of a name; a list's entries are joined by `_`."""
    return re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9.-]", "_", _text(value).replace("e+", "e"))).strip("_")


def _text(value: Any) -> str:
    words = {True: "true", False: "false", None: "null"}
    if value is None or isinstance(value, bool):
        return words[value]
    short = f"{value:g}" if isinstance(value, float) else ""
    return short if short and float(short) == value else str(value)
