"""Train an agent: python scripts/train.py [group=choice …] [key=value …]; --help says what there is."""

import sys
from pathlib import Path

from rl.runtime import prepare, use_compilation_cache

prepare()

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from rl.commands import sweeps
from rl.commands.answers import answered
from rl.commands.composition import CONFIGS, built, is_multirun, keep, load_config
from rl.commands.hyperparameters import hyperparameters
from rl.commands.results import result, shown, these
from rl.commands.run_names import changes_weights, flat, run_paths
from rl.commands.threads import available_cores, chosen_threads


@hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name="train")
def main(config: DictConfig) -> float | None:
    """One run, or several in one program; returns what a sweeper optimises."""
    from rl.errors import BusyError, ConfigError, TrainingError
    from rl.gradients import LeakError

    output = Path(HydraConfig.get().runtime.output_dir)
    if is_multirun():
        mistakes = {BusyError: "elsewhere", ConfigError: "refused", LeakError: "refused", TrainingError: "failed"}
        return sweeps.job(lambda: run(config, output), output.name, mistakes=mistakes)
    try:
        outcome = run(config, output)
    except (ConfigError, LeakError, TrainingError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(3 if isinstance(error, TrainingError) else 2)
    if outcome.why:  # trained to the end, but a part of its record is lost
        sys.exit(4)
    return outcome.score


def run(config: DictConfig, output: Path) -> sweeps.Outcome:
    """Trains, resumes or skips, and says which.

    Raises: ConfigError, LeakError, TrainingError; SystemExit(130) after a signal, which ends a sweep as well.
    """
    from rl.commands.parts import parts_of
    from rl.runs.directory import RunDirectory

    directories = [RunDirectory(output)]
    try:
        parts_of(config)
        directories = [RunDirectory(path) for path in run_paths(output, config)]
        known = [] if config.fresh else [summary for directory in directories if (summary := directory.summary())]
        failed = [summary for summary in known if summary["status"] == "failed"]
        if failed and is_multirun() and not config.retry_failed:
            why = f"{failed[0].get('error', 'no reason was kept')} (retry_failed=true trains it again)"
            return sweeps.Outcome("failed earlier", why=why, where=str(directories[0].path))
        begun = not config.fresh and any(any(directory.checkpoints.glob("*.npz")) for directory in directories)
        summaries = train(config, directories)
    except BaseException:
        for directory in directories:
            directory.remove_if_unused()
        raise
    if any(summary["status"] == "interrupted" for summary in summaries):
        sys.exit(130)
    complete = len(known) == len(directories) and all(map(_is_complete, known))
    same = complete and all(a["evaluation"] == b["evaluation"] for a, b in zip(known, summaries, strict=True))
    skipped = "skipped" if same else "evaluated"
    scores = [summary["evaluation"][config.objective] for summary in summaries if summary["evaluation"]]
    return sweeps.Outcome(
        status=skipped if complete else "resumed" if begun else "done",
        score=sum(scores) / len(scores) if scores else None,
        why="; ".join(dict.fromkeys(lost for summary in summaries for lost in summary.get("lost", ()))),
        where=str(directories[0].path),
    )


def train(config: DictConfig, directories: list) -> list[dict]:
    """Trains in the directories, resumes there, or shows what is complete; returns the summaries."""
    for directory in directories:
        directory.check_usable()
    config = _with_threads(config, directories)
    configs = [_config_of(config, number) for number in range(len(directories))]
    if not config.fresh:
        for directory, of_one in zip(directories, configs, strict=True):
            _check_same_config(of_one, directory.path)
        summaries = [directory.summary() for directory in directories]
        open_ones = [place for place, summary in enumerate(summaries) if not _is_whole(directories[place], summary)]
        if not open_ones:
            return _complete(config, configs, directories, summaries)
        first, after = open_ones[0], open_ones[-1] + 1
        # Seeds beside those that are complete; another number of seeds is another program, which may round otherwise.
        if after - first == len(open_ones) < len(directories):
            rest = OmegaConf.merge(config, {"seed": config.seed + first, "seeds": after - first})
            return summaries[:first] + train(rest, directories[first:after]) + summaries[after:]
        config = _with_own_probes(config, directories)
        configs = [_config_of(config, number) for number in range(len(directories))]
    training = _run_of(config, configs, directories)
    experiment = training.experiment
    together = f", {len(directories)} seeds in one program" if len(directories) > 1 else ""
    print(
        f"Training in {shown(directories[0].path)}: {experiment.learner.num_iterations:,} iterations of "
        f"{experiment.learner.steps_per_iteration:,} steps{together}.",
        flush=True,
    )
    summaries = training.run()
    keep(config, experiment)
    for directory in directories:
        directory.unlock()
    if not is_multirun():
        print(result(summaries, directories))
    return summaries


def _is_complete(summary: dict | None) -> bool:
    return summary is not None and summary["status"] == "completed"


def _is_whole(directory, summary: dict | None) -> bool:
    """Whether the run is complete and so is its log; a damaged log that a checkpoint vouches for is mended."""
    if not _is_complete(summary):
        return False
    steps = summary["steps"]
    damage = directory.log_damage(steps)
    if damage is None:
        return True
    mended = (directory.checkpoints / f"checkpoint_{steps:012d}.npz").is_file()
    print(f"{damage} {'It is mended from what is left.' if mended else 'No checkpoint is left to mend it by.'}")
    return not mended


def _config_of(config: DictConfig, number: int) -> DictConfig:
    """The config of one of the runs, as if it were alone."""
    if config.seeds == 1:
        return config
    of_one = OmegaConf.create(OmegaConf.to_container(config, resolve=True))
    of_one.seed, of_one.seeds = config.seed + number, 1
    return of_one


def _check_load(config: DictConfig, directories: list) -> None:
    from rl.errors import require

    loaded = config.load.path or config.checkpoint.load
    for directory in directories:
        require(
            not (config.fresh and loaded and Path(loaded).resolve().is_relative_to(directory.path.resolve())),
            f"load.path is {loaded}, which fresh=true would remove; move it out of the run directory first.",
        )


def _with_threads(config: DictConfig, directories: list) -> DictConfig:
    """The config with a number of threads, with which TensorFlow runs from here on, and its compilation cache open."""
    import tensorflow as tf

    known = [] if config.fresh else [summary for directory in directories if (summary := directory.summary())]
    threads = chosen_threads(config, known)
    try:
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        said = use_compilation_cache(config.compilation_cache, threads=threads)
    except RuntimeError:  # TensorFlow runs already, with the threads and the cache of an earlier job of this sweep
        running, said = tf.config.threading.get_intra_op_parallelism_threads() or available_cores(), None
        if running != threads:
            said = (
                f"On {running} threads, with which this process began, instead of {threads}: the weights may differ in "
                "their last bits from those of a run alone."
            )
        threads = running
    if said:
        print(said, flush=True)
    return OmegaConf.merge(config, {"threads": threads})


def _run_of(config: DictConfig, configs: list[DictConfig], directories: list):
    """The run of a config in its directories, which are locked from here on; nothing is trained or written yet."""
    from rl.commands.parts import run_settings
    from rl.runs.record import Description
    from rl.runs.run import Run

    _, settings = run_settings(config)
    experiment = built(config)
    experiment.audit()
    _check_load(config, directories)
    for directory in directories:
        directory.lock()
    choices = HydraConfig.get().runtime.choices
    return Run(
        experiment,
        directories,
        settings,
        descriptions=[
            Description(
                of_one.seed,
                OmegaConf.to_yaml(of_one, resolve=True),
                hyperparameters(of_one, choices),
                _hydra_files(of_one),
            )
            for of_one in configs
        ],
        say=lambda text: print(text, flush=True),
        fresh=config.fresh,
    )


_EVALUATED_BY = ("evaluation.episodes", "evaluation.max_steps")
"""What the result of a complete run depends on, and its weights do not."""


def _complete(config: DictConfig, configs: list[DictConfig], directories: list, summaries: list[dict]) -> list[dict]:
    """Shows what complete runs came to; evaluates them again where other episodes are asked for."""
    saved, given = flat(load_config(directories[0].path)), flat(configs[0])
    other = [key for key in _EVALUATED_BY if saved.get(key) != given[key]]
    if other:
        own = {"probe": load_config(directories[0].path).probe}
        config, configs = OmegaConf.merge(config, own), [OmegaConf.merge(one, own) for one in configs]
        training = _run_of(config, configs, directories)
        summaries = training.evaluate_again() or sys.exit(130)
        for directory in directories:
            directory.unlock()
    if not is_multirun():
        now = "; ".join(f"{key} was {saved[key]:,} and is {given[key]:,}" for key in other)
        how = f"complete, and evaluated again: {now}." if other else "complete; fresh=true starts over."
        print(f"{these(directories)} {how}\n{result(summaries, directories)}")
        if any(saved.get(key) != value for key, value in given.items() if key.startswith("probe.")):
            print("It was trained with other probes (probe.…); fresh=true trains it with these.")
    return summaries


def _with_own_probes(config: DictConfig, directories: list) -> DictConfig:
    """The config with the probes that a run which goes on began with: its log has their columns."""
    begun = [one.path for one in directories if any(one.checkpoints.glob("checkpoint_*.npz"))]
    if not begun or (own := load_config(begun[0]).probe) == config.probe:
        return config
    print("The run goes on with the probes that it began with (probe.…); fresh=true starts over with these.")
    return OmegaConf.merge(config, {"probe": own})


def _check_same_config(config: DictConfig, path: Path) -> None:
    """ConfigError, naming keys and values, where the directory belongs to a run of another config."""
    from rl.errors import ConfigError

    if not (path / ".hydra" / "config.yaml").exists() and not any((path / "checkpoints").glob("checkpoint_*.npz")):
        return
    saved, given = flat(load_config(path)), flat(config)
    differing = [
        f"{key} is {given.get(key, 'not there')}, there {saved.get(key, 'not there')}"
        for key in {**saved, **given}
        if (key == "seed" or changes_weights(key)) and saved.get(key) != given.get(key)
    ]
    if differing:
        more = f" and {len(differing) - 3} more" if len(differing) > 3 else ""
        raise ConfigError(
            f"{path} belongs to a run with another config: {'; '.join(differing[:3])}{more}. "
            "Choose another directory (hydra.run.dir), or fresh=true to replace that run."
        )


def _hydra_files(config: DictConfig) -> dict[str, str]:
    """What a run directory keeps of its configuration, {path: text}; written when training begins."""
    choices = OmegaConf.create({"choices": HydraConfig.get().runtime.choices})
    return {
        ".hydra/config.yaml": OmegaConf.to_yaml(config, resolve=True),
        ".hydra/overrides.yaml": OmegaConf.to_yaml(HydraConfig.get().overrides.task),
        ".hydra/hydra.yaml": OmegaConf.to_yaml(choices),
    }


_PATHS = ("load.path=", "checkpoint.load=", "hydra.run.dir=", "hydra.sweep.dir=")


def quoted(argument: str) -> str:
    """An override whose value is a path that is there, so that Hydra takes a `,` or `=` in it for what it is."""
    key = next((key for key in _PATHS if argument.startswith(key)), None)
    path = argument.removeprefix(key or "")
    plain = not {"'", '"', "\\", "$"} & set(path)
    return f"{key}'{path}'" if key and plain and {",", "="} & set(path) and Path(path).exists() else argument


def command() -> None:
    """Runs the command line; the process ends with its exit code."""
    sys.argv[1:] = map(quoted, sys.argv[1:])
    sys.exit(answered(lambda: sweeps.command(main)))
