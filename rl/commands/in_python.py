"""Runs that are opened in Python: composed and checked as `tapestry train` does it, and trained by their user."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rl.runtime import prepare

prepare()

import hydra
import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rl.commands import help_text
from rl.commands.answers import readable
from rl.commands.command_line import quoted_text, unknown_choice, with_quoted_path
from rl.commands.invocation import description, invocation
from rl.commands.run_names import flat
from rl.commands.train import run_of
from rl.config_files import CONFIGS
from rl.errors import ConfigError, require

help_text.register_resolvers()


class Opened(NamedTuple):
    """A run that is ready to train.

    overrides: those that composed the config; config: without Hydra's node; run: a `StepwiseRun`; directory: its
    `RunDirectory`, locked.
    """

    overrides: tuple[str, ...]
    config: DictConfig
    run: Any
    directory: Any


def opened(overrides: Sequence[str], folder: str | Path | None, *, quiet: bool) -> Opened:
    """Composes a config, checks it as the command does, and restores the newest checkpoint of its run directory.

    Args:
        overrides: `group=choice` and `key=value`, as on the command line.
        folder: the run directory; None for the one that the command would choose.
        quiet: whether to print nothing.
    Raises: ConfigError, LeakError, with the sentence that the command would print; BusyError. Nothing is left behind.
    """
    from rl.commands.parts import parts_of
    from rl.commands.resuming import check_same_config, with_earlier_probes
    from rl.commands.threads import with_threads
    from rl.runs.directory import RunDirectory
    from rl.runs.place import check_place
    from rl.runs.stepwise import StepwiseRun

    overrides = with_folder(overrides, folder)
    with composed(overrides) as asked, contextlib.redirect_stdout(None) if quiet else contextlib.nullcontext():
        output = run_directory()
        check_place(output)
        parts_of(asked)
        require(
            asked.seeds == 1,
            f"seeds is {asked.seeds}: an experiment in Python is one run; make one for each seed, or train the seeds "
            "in one program by the command (tapestry train).",
        )
        require(
            asked.extend is None,
            f"extend is {asked.extend}: only the command extends a run (tapestry train extend={asked.extend} steps=…).",
        )
        directory = RunDirectory(output)
        directory.check_usable()
        summary = None if asked.fresh else directory.summary()
        config = with_threads(asked, [summary] if summary else [])
        if not config.fresh:
            check_same_config(config, output)
            config = with_earlier_probes(config, [directory])
        try:
            run = run_of(config, [config], [directory], invocation(), kind=StepwiseRun, say=_ignore if quiet else None)
        except BaseException:
            directory.remove_if_unused()
            raise
    return Opened(overrides, config, run, directory)


def with_combiner(opened: Opened, name: str, settings: dict[str, Any]) -> Opened:
    """Goes on with another combiner, whose other settings are the defaults in configs/combiner/.

    The directory's config then has this combiner, and `.hydra/changes.yaml` the steps at which the combiner changed.

    Args:
        name: of a file in configs/combiner/; settings: {key: value} of those that differ from its defaults.
    Raises: ConfigError for an unknown name, a wrong setting, or a combiner that does not fit; then nothing changed.
    """
    from rl.commands.parts import parts_of
    from rl.runs.layout import CHANGES

    kept = [given for given in opened.overrides if not given.lstrip("+~").startswith(("combiner=", "combiner."))]
    own = [f"combiner.{key}={_as_override(value)}" for key, value in settings.items()]
    overrides = (*kept, f"combiner={name}", *own)
    with composed(overrides) as asked:
        config = opened.config.copy()
        OmegaConf.update(config, "combiner", asked.combiner, merge=False)
        experiment = opened.run.experiment.with_combiner(parts_of(config).made["combiner"])
        file = opened.directory.path / CHANGES
        resumed = bool(experiment.steps) and file.exists()
        earlier = yaml.safe_load(file.read_text(encoding="utf-8")) if resumed else []
        changes = [*earlier, {"step": experiment.steps, "combiner": name, "settings": settings}]
        described = description(config, opened.directory.path, invocation(), fresh=False)
        files = {**described.files, CHANGES: yaml.safe_dump(changes, sort_keys=False)}
        opened.run.change_to(experiment, [described._replace(files=files)])
    return opened._replace(overrides=overrides, config=config)


def close(opened: Opened) -> None:
    """Saves and closes a run, and releases its directory; errors are ignored, since nobody could act on them."""
    with contextlib.suppress(Exception):
        opened.run.save()
    with contextlib.suppress(Exception):
        opened.run.close()
    opened.directory.remove_if_unused()


def evaluated(opened: Opened, episodes: int, seed: int, stop: Callable[[], bool]) -> Any:
    """The greedy evaluation of a run at its current weights, as `tapestry evaluate` does it.

    Args: episodes: their number; seed: of the episodes alone.
    Returns: an `Evaluation`; None where `stop` ended it.
    """
    from rl.learning.seeds import Purpose, fold, run_seed

    evaluator = opened.run.experiment.evaluator(episodes, max_steps=opened.config.evaluation.max_steps)
    found = evaluator.run([fold(run_seed(seed), Purpose.EVALUATION)], stop=stop)
    return found[0] if found else None


def settings_of(opened: Opened) -> dict[str, Any]:
    """{dotted key: value} of a run's config."""
    return flat(opened.config)


def with_folder(overrides: Sequence[str], folder: str | Path | None) -> tuple[str, ...]:
    """The overrides with a run directory among them, unless it is None. Raises: ConfigError for what is no text."""
    wrong = [given for given in overrides if not isinstance(given, str)]
    require(not wrong, f"override {wrong[:1]} is no text; give each as 'key=value' or 'group=choice'.")
    place = [] if folder is None else [f"hydra.run.dir={quoted_text(os.fspath(folder))}"]
    return tuple(map(with_quoted_path, (*overrides, *place)))


def run_directory() -> Path:
    """The run directory of the config, within `composed`."""
    return Path(HydraConfig.get().run.dir).absolute()


@contextlib.contextmanager
def composed(overrides: Sequence[str]) -> Iterator[DictConfig]:
    """The training config of overrides, within a context in which `HydraConfig` describes it as in the command.

    Hydra's state, of a program that uses Hydra itself, is put back at the end.
    Raises: ConfigError, with the sentence that the command would print, for overrides that make no config.
    """
    own = HydraConfig.instance()
    before = own.cfg
    try:
        require(not (wrong := unknown_choice(overrides, [CONFIGS])), wrong or "")
        with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
            root = hydra.compose("train", overrides=list(overrides), return_hydra_config=True)
            own.set_config(root)
            yield OmegaConf.masked_copy(root, [key for key in root if key != "hydra"])
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(readable(error)) from None
    finally:
        own.cfg = before


def _ignore(_: str) -> None:
    """Takes a sentence and prints nothing."""


def _as_override(value: Any) -> str:
    """A value in Hydra's override grammar."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_as_override, value))}]"
    return quoted_text(value) if isinstance(value, str) else str(value)
