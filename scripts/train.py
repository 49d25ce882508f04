"""Train an agent: python scripts/train.py [group=choice …] [key=value …]; --help says what there is."""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # faster for small networks, and one notice less

import hydra
from composition import CONFIGS, IGNORED, build, check_keys, flat, is_multirun, register_resolvers
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

register_resolvers()

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
    """One run; returns its mean evaluation return."""
    from rl.errors import ConfigError, NonFiniteError
    from rl.training import RunDirectory

    directory = RunDirectory(HydraConfig.get().runtime.output_dir)
    try:
        summary = train(config, directory)
    except (ConfigError, NonFiniteError) as error:
        directory.remove_if_unused()
        if is_multirun():
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, ConfigError) else 3)
    if summary["status"] == "interrupted":
        sys.exit(130)  # in a sweep this ends the sweep, as Ctrl-C should
    return summary["evaluation"]["mean"] if summary["evaluation"] else None


def train(config: DictConfig, directory) -> dict:
    """Trains in the directory, resumes there, or shows what is complete; returns the summary."""
    import tensorflow as tf

    from rl.errors import require
    from rl.training import Run, RunSettings

    directory.check_usable()
    check_keys(config)
    require(
        isinstance(config.threads, int) and config.threads >= 1,
        f"threads is {config.threads}; it must be a positive integer.",
    )
    _set_threads(tf, config.threads)
    if not config.fresh:
        _check_same_config(config, directory.path)
        summary = directory.summary()
        if summary is not None and summary["status"] == "completed":
            print(f"This run is complete; fresh=true starts over.\n{_result(summary, directory.path)}")
            return summary
    settings = _settings(config, RunSettings)
    experiment = build(config)
    loaded = config.checkpoint.load
    require(
        not (config.fresh and loaded and Path(loaded).resolve().is_relative_to(directory.path.resolve())),
        f"checkpoint.load is {loaded}, which fresh=true would remove; move it out of the run directory first.",
    )
    directory.lock()
    if config.fresh or not any(directory.checkpoints.glob("checkpoint_*.npz")):
        directory.clear()
    run = Run(
        experiment,
        directory,
        settings,
        seed=config.seed,
        config_text=OmegaConf.to_yaml(config, resolve=True),
        hyperparameters=_hyperparameters(config),
        say=lambda text: print(text, flush=True),
    )
    _write_config(config, directory.path)
    print(
        f"Training in {_shown(directory.path)}: {experiment.learner.num_iterations:,} iterations of "
        f"{experiment.learner.steps_per_iteration:,} steps.",
        flush=True,
    )
    summary = run.run()
    directory.unlock()
    print(_result(summary, directory.path))
    return summary


def _settings(config: DictConfig, kind):
    return kind(
        probe_every=config.probe.every_steps,
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

    file = path / ".hydra" / "config.yaml"
    if not file.exists():
        return
    saved, given = flat(OmegaConf.load(file)), flat(config)
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


def _write_config(config: DictConfig, path: Path) -> None:
    folder = path / ".hydra"
    folder.mkdir(exist_ok=True)
    OmegaConf.save(config, folder / "config.partial", resolve=True)
    (folder / "config.partial").replace(folder / "config.yaml")
    OmegaConf.save(HydraConfig.get().overrides.task, folder / "overrides.yaml")
    OmegaConf.save(OmegaConf.create({"choices": HydraConfig.get().runtime.choices}), folder / "hydra.yaml")


def _hyperparameters(config: DictConfig) -> dict:
    """For the HParams tab: the groups' choices and the settings most often swept, one type a key, nothing empty."""
    choices, values = HydraConfig.get().runtime.choices, flat(config)
    groups = ("agent", "environment", "network", "combiner", "optimizer", "frozen")
    hyperparameters = {group: str(choices[group]) for group in groups}
    for key in _SWEPT:
        value = values.get(key)
        if isinstance(value, bool | str):
            hyperparameters[key] = value
        elif value is not None:
            hyperparameters[key] = float(value)
    return hyperparameters


def _result(summary: dict, path: Path) -> str:
    lines = []
    if summary["evaluation"]:
        evaluation = summary["evaluation"]
        lines.append(
            f"Greedy evaluation: {evaluation['mean']:.1f} ± {evaluation['std']:.1f} over {evaluation['episodes']} "
            f"episodes."
        )
    lines.append(
        f"{summary['steps']:,} steps, {summary['updates']:,} updates, {summary['steps_per_second']:,.0f} steps/s, "
        f"{summary['wall_seconds']:.0f} s in all."
    )
    if summary["status"] == "interrupted":
        lines.append("Interrupted, and saved: the same command goes on from here.")
    lines.append(f"Run directory: {_shown(path)}")
    lines.append(f"Look at it with: {_tensorboard()} --logdir {_shown(path.parent.parent)}")
    return "\n".join(lines)


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _tensorboard() -> str:
    """The TensorBoard of this very Python, as one types it."""
    beside = Path(sys.executable).with_name("tensorboard")
    return _shown(beside) if beside.exists() else "tensorboard"


if __name__ == "__main__":
    main()
