"""From a composed config to objects, and from a config to the name of its run. The one place that knows Hydra."""

import functools
import hashlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from runtime import prepare
from yaml import YAMLError

prepare()  # a process of a launcher elsewhere begins with this module

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
IGNORED = ("seed", "seeds", "fresh", "threads", "logging.progress", "objective", "retry_failed")
"""Keys that do not tell runs apart: the seed has its own place in the name, the rest does not change what is
trained."""
_LONGEST_NAME = 160
_MOST_KEPT = 4
_FLAGS = (
    "fresh",
    "retry_failed",
    "logging.progress",
    "normalize.observations",
    "normalize.rewards",
    "network.shared",
    "network.torso.layer_norm",
    "agent.normalize_advantage",
    "optimizer.epsilon_inside",
    "probe.oracle",
)


def register_resolvers() -> None:
    """`run_group` and `run_job`, the last two folders of a run's path."""
    OmegaConf.register_new_resolver(
        "run_group", lambda *, _root_: _choices(_root_).get("experiment", "default"), replace=True
    )
    OmegaConf.register_new_resolver("run_job", lambda *, _root_: _job_name(_root_), replace=True)


register_resolvers()


def job_name(root: DictConfig) -> str:
    """What differs from the defaults of the experiment, by resolved values, then the seed.

    Group choices stand as `group=choice`; other keys differ if their values do, however they were written. The order of
    the overrides does not matter.
    """
    choices = _choices(root)
    standard = _choices(_composed(f"experiment={choices.get('experiment', 'default')}"))
    parts = {group: choice for group, choice in choices.items() if standard.get(group) != choice}
    usual = flat(_without_hydra(_composed(*(f"{group}={choice}" for group, choice in choices.items()))))
    given = flat(_without_hydra(root))
    changed = {key: given.get(key, "deleted") for key in {**usual, **given} if usual.get(key) != given.get(key)}
    parts |= {key: value for key, value in changed.items() if not key.startswith(IGNORED)}
    settings = ",".join(f"{key.replace('/', '.')}={_safe(value)}" for key, value in sorted(parts.items()))
    if len(settings.encode()) > _LONGEST_NAME:
        digest = hashlib.sha256(settings.encode()).hexdigest()[:10]
        settings = f"{settings.encode()[:100].decode(errors='ignore').rstrip(',')},etc_{digest}"
    return ",".join(filter(None, [settings, f"seed={root.seed}"]))


def _job_name(root: DictConfig) -> str:
    """`job_name`, or a name for what cannot be resolved: the job itself says so, and stops no other."""
    try:
        return job_name(root)
    except OmegaConfBaseException:
        asked = ",".join(root.hydra.overrides.task)
        return f"unresolved_{hashlib.sha256(asked.encode()).hexdigest()[:10]}"


@functools.cache
def _composed(*overrides: str) -> DictConfig:
    """The training config with Hydra's own part; the jobs of a sweep ask for the same ones."""
    return hydra.compose("train", overrides=list(overrides), return_hydra_config=True)


def run_paths(output: Path, config: DictConfig) -> list[Path]:
    """The directories of the runs with seeds `seed`, `seed + 1`, …: those that each would have alone.

    Where `output` was chosen by hand and does not end with the seed, a folder in it for each.
    """
    from rl.errors import require

    num_runs = config.seeds
    require(
        type(num_runs) is int and num_runs >= 1 and type(config.seed) is int and config.seed >= 0,
        f"seeds is {num_runs} and seed {config.seed}; both must be integers, seeds from 1 and seed from 0 on.",
    )
    if num_runs == 1:
        return [output]
    ending = f"seed={config.seed}"
    folder, start = (output.parent, output.name.removesuffix(ending)) if output.name.endswith(ending) else (output, "")
    return [folder / f"{start}seed={config.seed + number}" for number in range(num_runs)]


def flat(config: DictConfig) -> dict[str, Any]:
    """{dotted key: resolved value}; a list is one value, interpolations are followed."""
    values: dict[str, Any] = {}

    def walk(prefix: str, node: Any) -> None:
        if isinstance(node, dict) and node:
            for key, value in node.items():
                walk(f"{prefix}.{key}" if prefix else str(key), value)
        else:
            values[prefix] = node

    walk("", OmegaConf.to_container(config, resolve=True))
    return values


def what_tells_apart(config: DictConfig) -> dict[str, Any]:
    """`flat`, without the seed and what does not change the training."""
    return {key: value for key, value in flat(config).items() if not key.startswith(IGNORED)}


def build(config: DictConfig):
    """The experiment that a composed config describes.

    Raises: ConfigError, with one sentence that names the key, for whatever cannot be used.
    """
    from rl.errors import ConfigError, require
    from rl.gradients.probes import probes_named
    from rl.training import build_experiment

    def make(node: DictConfig, **more: Any):
        require("_target_" in node, f"nothing can be made of {dict(node)}: it has no _target_, and is no choice.")
        try:
            return instantiate(node, **more)
        except (hydra.errors.InstantiationException, OmegaConfBaseException, TypeError) as error:
            cause = error.__cause__ or error
            raise (
                cause if isinstance(cause, ConfigError) else ConfigError(_instantiation_message(node, cause))
            ) from None

    for key, value in flat(config).items():
        require(value != "???", f"{key} must be given.")

    def make_environment(**more: Any):
        return make(config.environment, **more)

    return build_experiment(
        agent=make(config.agent),
        make_environment=make_environment,
        make_network=lambda **more: make(config.network, **more),
        combiner=make(config.combiner),
        optimizer=make(config.optimizer),
        schedules={role: make(schedule) for role, schedule in config.frozen.items()},
        normalizer=make(config.normalize),
        probes=probes_named(config.probe.names),
        probe_samples=config.probe.samples,
        oracle=config.probe.oracle,
        num_envs=config.num_envs,
        steps=config.steps,
        seed=config.seed,
        num_runs=config.seeds,
    )


_runs: dict[str, Any] = {}


def built(config: DictConfig):
    """The experiment of a config, and the run that has compiled it, if one has.

    Where only the seed tells it from a run in this process before, as in a sweep, it is that run's experiment,
    restarted: nothing is compiled again. Environments outside of the program have a state that cannot be restarted.
    """
    before = _runs.get(_all_but_the_seed(config))
    if before is None:
        return build(config), None
    before.experiment.restart(config.seed)
    return before.experiment, before


def keep(config: DictConfig, run: Any) -> None:
    """A run that has come to its end, for the next one that differs in the seed alone."""
    if not run.experiment.learner.environment.compiled:
        return
    _runs[_all_but_the_seed(config)] = run
    while len(_runs) > _MOST_KEPT:
        del _runs[next(iter(_runs))]


def _all_but_the_seed(config: DictConfig) -> str:
    return repr((what_tells_apart(config), config.seeds))


def check_keys(config: DictConfig) -> None:
    """ConfigError for a key of the root that nothing reads, or that is gone (`+key=…` and `~key` get past Hydra)."""
    from rl.errors import require

    known = OmegaConf.load(CONFIGS / "train.yaml")
    groups = {next(iter(entry)) for entry in known.defaults if not isinstance(entry, str)}
    unused = [str(key) for key in config if key not in known and key not in groups]
    gone = sorted(key for key in (*known, *groups - {"experiment"}) if key not in (*config, "defaults", "hydra"))
    gone = [key for key in gone if not key.startswith("override ")]
    require(not gone, f"the key {', '.join(gone)} is gone; every key of configs/train.yaml has to be there.")
    known.probe = OmegaConf.load(CONFIGS / "probe" / "default.yaml")
    for group in ("evaluation", "checkpoint", "logging", "probe"):
        unused += [f"{group}.{key}" for key in config[group] if key not in known[group]]
    require(not unused, f"nothing reads the key {', '.join(unused)}; the keys are those of configs/train.yaml.")
    for key, value in flat(config).items():
        is_flag = isinstance(value, bool) or key in _FLAGS
        require(not is_flag or isinstance(value, bool), f"{key} is {value!r}; it must be true or false.")


def load_config(run: Path) -> DictConfig:
    """The config that a run directory was trained with; ConfigError where there is none, or it is damaged."""
    from rl.errors import ConfigError, DamagedError

    file = run / ".hydra" / "config.yaml"
    try:
        config = OmegaConf.load(file)
        flat(config)
    except FileNotFoundError:
        raise ConfigError(f"{run} is not a run directory: it has no .hydra/config.yaml.") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}.") from None
    except (YAMLError, OmegaConfBaseException, ValueError) as error:
        why = " ".join(str(error).split())[:200]
        raise DamagedError(
            f"{file} is damaged, so that nothing says what this run is ({why}); put a copy of it back, or start over "
            "(fresh=true)."
        ) from None
    return config


def load_run(run: Path, checkpoint: str):
    """The experiment of a run directory with the numbers of one of its checkpoints, and its config.

    Args:
        checkpoint: `newest`, `best`, or a file.
    """
    from rl.errors import require
    from rl.training.checkpoints import CheckpointFolder, read_checkpoint, restore
    from rl.training.state import named_variables

    config = load_config(run)
    experiment = build(config)
    folder = CheckpointFolder(run / "checkpoints", keep=1)
    newest = [*folder.files()][-1:]
    file = {"newest": newest[0] if newest else None, "best": folder.path / "best.npz"}.get(checkpoint, Path(checkpoint))
    require(file is not None, f"{run} holds no checkpoint yet.")
    restore(named_variables(experiment.variables), read_checkpoint(file).arrays, source=str(file))
    return experiment, config


def report_errors(main: Callable[[], int | None]) -> None:
    """Runs a script's main function; what the user can mend is one message and exit code 2, without a traceback."""
    from rl.errors import ConfigError

    try:
        sys.exit(main() or 0)
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def _instantiation_message(node: DictConfig, error: BaseException) -> str:
    return f"{node.get('_target_', 'the config')} cannot be made from this config: {error}"


def _choices(root: DictConfig) -> dict[str, str]:
    choices = root.hydra.runtime.choices
    return {group: choice for group, choice in choices.items() if not group.startswith("hydra/") and choice is not None}


def _without_hydra(root: DictConfig) -> DictConfig:
    return OmegaConf.masked_copy(root, [key for key in root if key != "hydra"])


def _safe(value: Any) -> str:
    """A value as a part of a file's name, on any file system."""
    words = {True: "true", False: "false", None: "null"}
    if value is None or isinstance(value, bool):
        return words[value]
    short = f"{value:g}" if isinstance(value, float) else ""
    text = short if short and float(short) == value else str(value)
    return re.sub(r"[^\w.+-]+", "_", text).strip("_")


def is_multirun() -> bool:
    """Whether this job is one of a sweep."""
    return HydraConfig.get().mode == hydra.types.RunMode.MULTIRUN
