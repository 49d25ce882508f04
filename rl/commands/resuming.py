"""Checks run directories before training: whether they hold this run, and whether it is complete and undamaged."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from rl.commands.restoring import load_config
from rl.commands.run_names import changes_weights, flat
from rl.runs.directory import RunDirectory


def is_complete(summary: dict | None, steps: int) -> bool:
    """Whether the run with this content of summary.json was trained to its end, `steps` environment steps or more.

    A complete run that is to be extended is not; nor is a run without a summary, None.
    """
    return summary is not None and summary["status"] == "completed" and summary["steps"] >= steps


def is_finished(directory: RunDirectory, summary: dict | None, steps: int) -> bool:
    """Whether a run needs no training to `steps`: it is complete, and its log is undamaged or cannot be rebuilt.

    A damaged log of a complete run is reported. It is rebuilt, as when a run resumes, if the checkpoint of the last
    step exists; otherwise it stays as it is.
    """
    if not is_complete(summary, steps):
        return False
    steps = summary["steps"]
    damage = directory.log_damage(steps)
    if damage is None:
        return True
    rebuilt = (directory.checkpoints / f"checkpoint_{steps:012d}.npz").is_file()
    print(f"{damage} {'It is rebuilt from what is left.' if rebuilt else 'No checkpoint is left to rebuild it from.'}")
    return not rebuilt


def check_same_config(config: DictConfig, path: Path, *, extends: bool = False) -> None:
    """Refuses a directory that belongs to a run with another config.

    The seed and the keys that change weights are compared (`run_names.changes_weights`).

    Args:
        config: of one run, as in a solo run (`seeds` is 1).
        path: the run directory; one without config and checkpoints passes.
        extends: whether the run is extended, so that its `steps` may be others.
    Raises: ConfigError, naming up to three keys with both values.
    """
    from rl.errors import ConfigError

    if not (path / ".hydra" / "config.yaml").exists() and not any((path / "checkpoints").glob("checkpoint_*.npz")):
        return
    saved, given = flat(load_config(path)), flat(config)
    differing = [
        f"{key} is {given.get(key, 'not there')}, there {saved.get(key, 'not there')}"
        for key in {**saved, **given}
        if (key == "seed" or changes_weights(key))
        and saved.get(key) != given.get(key)
        and not (extends and key == "steps")
    ]
    if differing:
        earlier = (RunDirectory(path).summary() or {}).get("lengths", [])[:-1]
        if len(differing) == 1 and given.get("steps") in earlier:
            raise ConfigError(
                f"{path} was extended from {given['steps']:,} to {saved['steps']:,} steps: give steps={saved['steps']} "
                "and hydra.run.dir to see it, or fresh=true to replace that run."
            )
        more = f" and {len(differing) - 3} more" if len(differing) > 3 else ""
        raise ConfigError(
            f"{path} belongs to a run with another config: {'; '.join(differing[:3])}{more}. "
            "Choose another directory (hydra.run.dir), or fresh=true to replace that run."
        )


def check_load(config: DictConfig, directories: Sequence[RunDirectory]) -> None:
    """Raises ConfigError if `load.path` is inside a run directory that `fresh=true` empties first."""
    from rl.errors import require

    loaded = config.load.path or config.checkpoint.load
    for directory in directories:
        require(
            not (config.fresh and loaded and Path(loaded).resolve().is_relative_to(directory.path.resolve())),
            f"load.path is {loaded}, which fresh=true would remove; move it out of the run directory first.",
        )


def with_earlier_probes(config: DictConfig, directories: Sequence[RunDirectory]) -> DictConfig:
    """The config with the probes of the run that is resumed, whose log has their columns; prints a note if they differ.

    Without a checkpoint in any of the directories, nothing is resumed and the config is returned unchanged.
    """
    begun = [one.path for one in directories if any(one.checkpoints.glob("checkpoint_*.npz"))]
    if not begun or (earlier := load_config(begun[0]).probe) == config.probe:
        return config
    print("The run resumes with its earlier probes (probe.…); fresh=true starts over with these.")
    return OmegaConf.merge(config, {"probe": earlier})
