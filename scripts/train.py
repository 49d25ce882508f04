"""Train an agent: python scripts/train.py [group=choice …] [key=value …]; --help says what there is."""

import sys
from pathlib import Path

from runtime import prepare

prepare()

import hydra
import sweeps
from composition import CONFIGS, IGNORED, built, check_keys, flat, is_multirun, keep, load_config, run_paths
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from results import result, shown, these

_SWEPT = (
    "seed",
    "steps",
    "num_envs",
    "network.shared",
    "normalize.rewards",
    "optimizer.learning_rate",
    "optimizer.clip_norm",
    "agent.gamma",
    "agent.lambda_",
    "agent.rollout_length",
    "agent.epochs",
    "agent.minibatches",
    "agent.coefficients.value",
    "agent.coefficients.entropy",
)


@hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name="train")
def main(config: DictConfig) -> float | None:
    """One run, or several in one program; returns what a sweeper optimises."""
    from rl.errors import BusyError, ConfigError, RunError

    output = Path(HydraConfig.get().runtime.output_dir)
    if is_multirun():
        mistakes = {BusyError: "elsewhere", ConfigError: "refused", RunError: "failed"}
        return sweeps.job(lambda: run(config, output), output.name, mistakes=mistakes)
    try:
        outcome = run(config, output)
    except (ConfigError, RunError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, ConfigError) else 3)
    if outcome.why:  # trained to the end, but a part of its record is lost
        sys.exit(4)
    return outcome.score


def run(config: DictConfig, output: Path) -> sweeps.Outcome:
    """Trains, resumes or skips, and says which.

    Raises: ConfigError and RunError; SystemExit(130) after a signal, which ends a sweep, as Ctrl-C should.
    """
    from rl.errors import ConfigError, require
    from rl.training import RunDirectory

    directories = [RunDirectory(output)]
    try:
        check_keys(config)
        require(
            config.objective in ("mean", "iqm"), f"objective is {config.objective!r}; allowed are 'mean' and 'iqm'."
        )
        directories = [RunDirectory(path) for path in run_paths(output, config)]
        known = [] if config.fresh else [summary for directory in directories if (summary := directory.summary())]
        failed = [summary for summary in known if summary["status"] == "failed"]
        if failed and is_multirun() and not config.retry_failed:
            why = f"{failed[0].get('error', 'no reason was kept')} (retry_failed=true trains it again)"
            return sweeps.Outcome("failed earlier", why=why, where=str(directories[0].path))
        begun = not config.fresh and any(any(directory.checkpoints.glob("*.npz")) for directory in directories)
        summaries = train(config, directories)
    except BaseException as error:
        for directory in directories:
            directory.remove_if_unused()
        if isinstance(error, OmegaConfBaseException):
            raise ConfigError(f"{str(error).splitlines()[0]} ({getattr(error, 'full_key', None)}).") from None
        raise
    if any(summary["status"] == "interrupted" for summary in summaries):
        sys.exit(130)
    complete = len(known) == len(directories) and all(map(_is_complete, known))
    scores = [summary["evaluation"][config.objective] for summary in summaries if summary["evaluation"]]
    return sweeps.Outcome(
        status="skipped" if complete else "resumed" if begun else "done",
        score=sum(scores) / len(scores) if scores else None,
        why="; ".join(dict.fromkeys(lost for summary in summaries for lost in summary.get("lost", ()))),
        where=str(directories[0].path),
    )


def train(config: DictConfig, directories: list) -> list[dict]:
    """Trains in the directories, resumes there, or shows what is complete; returns the summaries."""
    import tensorflow as tf

    from rl.errors import require
    from rl.training import Description, Run, RunSettings

    for directory in directories:
        directory.check_usable()
    require(
        isinstance(config.threads, int) and config.threads >= 1,
        f"threads is {config.threads}; it must be a positive integer.",
    )
    _set_threads(tf, config.threads)
    configs = [_config_of(config, number) for number in range(len(directories))]
    if not config.fresh:
        for directory, of_one in zip(directories, configs, strict=True):
            _check_same_config(of_one, directory.path)
        summaries = [directory.summary() for directory in directories]
        open_ones = [place for place, summary in enumerate(summaries) if not _is_complete(summary)]
        if not open_ones:
            if not is_multirun():
                print(f"{these(directories)} complete; fresh=true starts over.\n{result(summaries, directories)}")
            return summaries
        first, after = open_ones[0], open_ones[-1] + 1
        # Seeds beside those that are complete; another number of seeds is another program, which may round otherwise.
        if after - first == len(open_ones) < len(directories):
            rest = OmegaConf.merge(config, {"seed": config.seed + first, "seeds": after - first})
            return summaries[:first] + train(rest, directories[first:after]) + summaries[after:]
    settings = _settings(config, RunSettings)
    experiment, before = built(config)
    _check_load(config, directories)
    for directory in directories:
        directory.lock()
    training = Run(
        experiment,
        directories,
        settings,
        descriptions=[
            Description(
                of_one.seed, OmegaConf.to_yaml(of_one, resolve=True), _hyperparameters(of_one), _hydra_files(of_one)
            )
            for of_one in configs
        ],
        say=lambda text: print(text, flush=True),
        fresh=config.fresh,
        after=before,
    )
    together = f", {len(directories)} seeds in one program" if len(directories) > 1 else ""
    print(
        f"Training in {shown(directories[0].path)}: {experiment.learner.num_iterations:,} iterations of "
        f"{experiment.learner.steps_per_iteration:,} steps{together}.",
        flush=True,
    )
    summaries = training.run()
    keep(config, training)
    for directory in directories:
        directory.unlock()
    if not is_multirun():
        print(result(summaries, directories))
    return summaries


def _is_complete(summary: dict | None) -> bool:
    return summary is not None and summary["status"] == "completed"


def _config_of(config: DictConfig, number: int) -> DictConfig:
    """The config of one of the runs, as if it were alone."""
    if config.seeds == 1:
        return config
    of_one = OmegaConf.create(OmegaConf.to_container(config, resolve=True))
    of_one.seed, of_one.seeds = config.seed + number, 1
    return of_one


def _check_load(config: DictConfig, directories: list) -> None:
    from rl.errors import require

    loaded = config.checkpoint.load
    for directory in directories:
        require(
            not (config.fresh and loaded and Path(loaded).resolve().is_relative_to(directory.path.resolve())),
            f"checkpoint.load is {loaded}, which fresh=true would remove; move it out of the run directory first.",
        )


def _settings(config: DictConfig, kind):
    return kind(
        probe_every=config.probe.every_steps,
        probe_every_iterations=config.probe.every_iterations,
        histograms_every=config.probe.histograms_every_steps,
        log_every=config.logging.every_steps,
        evaluate_every=config.evaluation.every_steps,
        evaluation_episodes=config.evaluation.episodes,
        videos=config.evaluation.videos,
        checkpoint_every=config.checkpoint.every_steps,
        checkpoints_kept=config.checkpoint.keep,
        initial_checkpoint=config.checkpoint.load,
        progress=config.logging.progress,
    )


def _set_threads(tf, threads: int) -> None:
    try:
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    except RuntimeError:
        pass  # a later job of a sweep in one process: TensorFlow is already running with the first one's


def _check_same_config(config: DictConfig, path: Path) -> None:
    """ConfigError, naming keys and values, where the directory belongs to a run of another config."""
    from rl.errors import ConfigError

    if not (path / ".hydra" / "config.yaml").exists() and not any((path / "checkpoints").glob("checkpoint_*.npz")):
        return
    saved, given = flat(load_config(path)), flat(config)
    ignored = [key for key in IGNORED if key != "seed"]
    differing = [
        f"{key} is {given.get(key, 'not there')}, there {saved.get(key, 'not there')}"
        for key in {**saved, **given}
        if key not in ignored and saved.get(key) != given.get(key)
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


def _hyperparameters(config: DictConfig) -> dict:
    """For the HParams tab: the groups' choices and the settings most often swept, one type a key, nothing empty."""
    choices, values = HydraConfig.get().runtime.choices, flat(config)
    groups = ("agent", "environment", "network", "combiner", "optimizer", "frozen")
    if is_multirun():
        groups = [key for key in sweeps.swept_keys() if key in choices]
    hyperparameters = {group: str(choices[group]) for group in groups}
    keys = sweeps.swept_keys() if is_multirun() else _SWEPT
    for key in keys:
        value = values.get(key)
        if isinstance(value, bool | str):
            hyperparameters[key] = value
        elif value is not None:
            hyperparameters[key] = float(value) if isinstance(value, int | float) else str(value)
    return hyperparameters


if __name__ == "__main__":
    sys.exit(sweeps.command(main))
