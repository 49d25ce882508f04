"""Extends a complete run: `extend=RUN steps=N` trains on in its directory, with the settings that it records.

Everything goes on from the run's last checkpoint: weights, optimizer, statistics, replay memory, counters, random
streams. The run then equals one that was given N steps from its start, bit for bit in compiled environments, except
that it was also evaluated at its first end. A schedule over the run's total length would make that impossible, so such
a run is refused.
"""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from rl.commands.invocation import Invocation, lengths
from rl.commands.recorded import recorded
from rl.commands.restoring import composed, load_config
from rl.commands.run_names import flat, run_paths
from rl.errors import ConfigError, require
from rl.runs.layout import CHECKPOINTS, CONFIG, OVERRIDES, checkpoint_files

_WITH_IT = (
    "seeds",
    "threads",
    "compilation_cache",
    "objective",
    "logger",
    "logging",
    "evaluation",
    "checkpoint.every_steps",
    "checkpoint.keep",
)
"""Keys, and groups of keys, that may be given beside `extend` and `steps`: the weights do not depend on them."""


def placed(arguments: Sequence[str]) -> list[str]:
    """The command line with `hydra.run.dir` set to the run that `extend` names, after it; unchanged without `extend`.

    Raises: ConfigError where the directory holds no run, or another directory or several jobs are asked for.
    """
    from rl.commands.command_line import asks_for_a_sweep, quoted_text

    given = [text.partition("=")[2].strip("'\"") for text in arguments if text.startswith(("extend=", "+extend="))]
    if not given or given[-1] == "null":
        return [*arguments]
    require(given[-1] != "", "extend is empty; it names the directory of a complete run, extend=runs/….")
    run = Path(given[-1])
    require(
        not any(map(asks_for_a_sweep, arguments)),
        f"extend is {run}: one command extends one run; leave out -m.",
    )
    require(
        not any(text.startswith("hydra.run.dir=") for text in arguments),
        f"extend is {run}, whose directory the run keeps; leave out hydra.run.dir.",
    )
    require((run / CONFIG).is_file(), f"extend is {run}, which is not a run directory: it has no {CONFIG}.")
    last = max(n for n, text in enumerate(arguments) if text.startswith(("extend=", "+extend=")))
    # Beside the other overrides: Hydra takes none after a flag such as --cfg.
    return [*arguments[: last + 1], f"hydra.run.dir={quoted_text(str(run))}", *arguments[last + 1 :]]


def extended(config: DictConfig, made: Invocation) -> tuple[DictConfig, Invocation]:
    """The config with which the run in `config.extend` goes on, and what its directory will record as the command.

    Args:
        config: composed from the command line.
        made: what the command line chose.
    Raises: ConfigError where a key was given that would change the weights, where the run is unfinished, already as
        long as `steps`, or has lost its memory, and where a setting depends on the run's total length; BusyError where
        another process trains it.
    """
    from rl.commands.parts import run_settings
    from rl.runs.directory import RunDirectory

    run_settings(config)
    run = Path(config.extend)
    directory = RunDirectory(run)
    directory.check_usable()
    directory.lock()  # raises where another process trains
    directory.unlock()
    own, steps = load_config(run), config.steps
    given = _given(made.overrides, own.steps)
    check_length(run, steps)
    _check_schedule(own, run)
    usual = _as_recorded(run, own.steps)
    if usual is not None:
        _check_total(usual, _as_recorded(run, steps), run)
    result = OmegaConf.merge(own, {"steps": steps, "extend": None, "fresh": False, "retry_failed": False})
    for key in given:
        OmegaConf.update(result, key, OmegaConf.select(config, key), merge=False, force_add=True)
    if "seeds" not in given:
        result.seeds = _seeds(usual, own, run)
    for path in run_paths(run, result):
        require(
            (path / CONFIG).is_file(),
            f"seeds is {result.seeds}, but {path} holds no run: the seeds of one program are extended together.",
        )
        check_length(path, steps)
        _check_memory(path, own)
    task = [text for text in _overrides(run) if _key(text) not in (*given, "steps")]
    task += [text for text in made.overrides if _key(text) not in ("extend", "steps")]
    print(f"Extending to {steps:,} steps, with the settings that {run} records.", flush=True)
    chosen = {key: choice for key, choice in made.choices.items() if key in given}
    return result, Invocation({**recorded(run).choices, **chosen}, [*task, f"steps={steps}"], extends=True)


def check_length(run: Path, steps: int) -> None:
    """Raises ConfigError unless a run was trained to its end and gets longer, or its extension to `steps` has begun."""
    from rl.runs.checkpoints import read_checkpoint

    asked = load_config(run).steps
    if asked == steps and len(lengths(run, steps)) > 1:
        return
    require(steps > asked, f"steps is {steps:,}, and {run} was given {asked:,}: an extension needs more (steps).")
    files = checkpoint_files(run / CHECKPOINTS)
    require(bool(files), f"extend is {run}, which holds no checkpoint to go on from.")
    done, meta = max(files), read_checkpoint(files[max(files)]).meta
    require(
        done >= asked and meta["waiting"] is None,
        f"extend is {run}, which is unfinished, at step {done:,} of {asked:,}: the command that began it resumes it, "
        "and only a complete run is extended.",
    )
    require(
        steps > done,
        f"steps is {steps:,}, and {run} has done {done:,} in whole iterations: an extension needs more (steps).",
    )


def _given(overrides: Sequence[str], asked: int) -> list[str]:
    """The allowed keys that the command line gives beside `extend` and `steps`; those of loggers as one key, `logger`.

    Raises: ConfigError for any other key, and where `steps` is missing.
    """
    keys = [_key(text) for text in overrides]
    require("steps" in keys, f"extend needs the new length, steps=…, more than the run's {asked:,}.")
    for key in keys:
        require(
            key in ("extend", "steps") or any(key == one or key.startswith(f"{one}.") for one in _WITH_IT),
            f"{key} cannot be given with extend, since the run keeps its own settings; steps can, and "
            f"{', '.join(_WITH_IT)}.",
        )
    kept = ["logger" if key.startswith("logger.") else key for key in keys if key not in ("extend", "steps")]
    return [*dict.fromkeys(kept)]


def _key(override: str) -> str:
    """The key of an override, without the signs that add or remove one."""
    return override.partition("=")[0].lstrip("+~")


def _check_schedule(config: DictConfig, run: Path) -> None:
    """Raises ConfigError where the learning rate depends on the run's total length."""
    schedule = config.optimizer.get("schedule", "constant")
    require(
        schedule == "constant",
        f"optimizer.schedule is {schedule} in {run}: its learning rate fell to 0 over the {config.steps:,} steps that "
        "it was given, so it cannot go on. A run to be extended needs optimizer.schedule=constant from its start; a "
        f"new run begins with this one's weights by load.path={run}.",
    )


def _check_total(usual: DictConfig, longer: DictConfig, run: Path) -> None:
    """Raises ConfigError where a setting follows `steps` by interpolation.

    usual, longer: the config that the run's overrides compose, with the length so far and with the new one.
    """
    before, after = flat(usual), flat(longer)
    for key, value in before.items():
        require(
            key == "steps" or after.get(key) == value,
            f"{key} follows the total length (steps) in {run}: it was {value}, and would have been {after.get(key)}. A "
            "run to be extended needs a number there from its start.",
        )


def _check_memory(path: Path, config: DictConfig) -> None:
    """Raises ConfigError where the memory of an agent was not saved at the newest checkpoint, or cannot be read."""
    from rl.commands.maker import Maker
    from rl.runs.checkpoints import CheckpointFolder

    files = checkpoint_files(path / CHECKPOINTS)
    if not files or not Maker(None).takes(config.agent, "agent", "replay"):
        return
    newest = CheckpointFolder(path / CHECKPOINTS, keep=1).read(max(files))
    require(not newest.lost, f"{newest.lost}: without its memory {path} would not go on as it was.")
    require(
        bool(newest.memory),
        f"{path} did not save its memory (checkpoint.replay={str(config.checkpoint.replay).lower()}), without which it "
        "would not go on as it was. A run to be extended needs checkpoint.replay=true.",
    )


def _seeds(usual: DictConfig | None, own: DictConfig, run: Path) -> int:
    """The number of seeds that were trained with this run in one program, of which it must be the first."""
    if usual is None or usual.seeds == 1:
        return 1
    require(
        usual.seed == own.seed,
        f"extend is {run}, one of seeds={usual.seeds} in one program: name the run of its first seed, {usual.seed}, to "
        "extend them all, or give seeds=1 to extend this one alone, which may round differently.",
    )
    return usual.seeds


def _overrides(run: Path) -> list[str]:
    """The overrides that a run directory records; none where the file is missing."""
    file = run / OVERRIDES
    return OmegaConf.to_container(OmegaConf.load(file), resolve=False) if file.is_file() else []


def _as_recorded(run: Path, steps: int) -> DictConfig | None:
    """The config that the run's recorded overrides compose with a length; None, and a note, where they do not."""
    overrides = [text for text in _overrides(run) if _key(text) != "steps"]
    try:
        return composed([*overrides, f"steps={steps}"])
    except ConfigError as error:
        print(f"Whether a setting of {run} follows its length cannot be checked: {error}", flush=True)
        return None
