"""Evaluate a trained agent: python scripts/evaluate.py RUN [--episodes N] [--sampled] [--environment KEY=VALUE].

It prints the undiscounted returns and what was evaluated, with --json as one line of JSON; --video also records an
episode.
"""

import argparse
import itertools
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rl.runtime import prepare

prepare()

from rl.commands.answers import add_trust, not_negative, positive, report_errors
from rl.commands.restoring import load_run


def main() -> None:
    """Evaluates a run's checkpoint, prints the undiscounted returns, and records a video if requested.

    The episodes depend on --seed alone, not on the run's seed, so that checkpoints are compared on the same episodes.
    --json prints {mean, std, iqm, episodes, cut, returns: [episodes], actions: greedy or sampled, environment: {changed
    key: value}} on one line.

    Raises: ConfigError where the run, the checkpoint or an option cannot be used; BadEnvironmentError where the
        environment fails during an episode.
    """
    arguments = _arguments()

    from rl.commands.parts import environment_maker
    from rl.errors import require
    from rl.learning.seeds import Purpose, fold, run_seed

    require(
        arguments.video is None or not os.path.lexists(arguments.video),
        f"--video {arguments.video} exists, and would be replaced: remove it, or choose another name.",
    )
    require(
        arguments.video is None or arguments.video.suffix.lower() == ".mp4",
        f"--video is {arguments.video}; its name must end in .mp4.",
    )
    experiment, config = load_run(arguments.run, arguments.checkpoint, trusted=arguments.trust)
    changes = changed_environment(config, arguments.environment)
    if changes:
        experiment = experiment.elsewhere(environment_maker(config.environment, trusted=arguments.trust))
    require(
        arguments.video is None or not experiment.learner.environment.compiled,
        "--video: this run's environment is compiled and draws no pictures; leave the option out.",
    )
    seed = fold(run_seed(arguments.seed), Purpose.EVALUATION)
    max_steps = arguments.max_steps or config.evaluation.max_steps
    evaluator = experiment.evaluator(arguments.episodes, max_steps=max_steps, sampled=arguments.sampled)
    (evaluation,) = evaluator.run([seed])
    actions = "sampled" if arguments.sampled else "greedy"
    if arguments.json:
        what = {"actions": actions, "environment": {key: now for key, (now, _) in changes.items()}}
        returns = evaluation.returns.tolist()
        print(json.dumps({**evaluation.summary(), "returns": returns, **what}, allow_nan=False))
    else:
        others = [f"environment.{key}={now} (in training {before})" for key, (now, before) in changes.items()]
        print(f"{_in_words(evaluation, max_steps)}; {', '.join([f'{actions} actions', *others])}")
    if arguments.video:
        policy = _sampling(experiment, seed) if arguments.sampled else experiment.greedy
        _record(experiment, policy, arguments.video, seed, max_steps)


def _arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a run directory")
    parser.add_argument("--checkpoint", default="newest", help="newest, best, or a file (default: newest)")
    parser.add_argument("--episodes", type=positive, default=100, help="episodes (default: 100)")
    parser.add_argument("--max-steps", type=positive, help="steps at which an episode is cut (default: as in training)")
    parser.add_argument("--seed", type=not_negative, default=0, help="of the evaluation's episodes (default: 0)")
    parser.add_argument("--sampled", action="store_true", help="sample actions as in training, exploration included")
    parser.add_argument(
        "--environment",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="another value of an environment's key, such as max_episode_steps=1000; may be given several times",
    )
    parser.add_argument("--video", type=Path, help="also record one episode to this MP4 file (extra `video`)")
    parser.add_argument("--json", action="store_true", help="print one JSON line with every return")
    add_trust(parser)
    return parser.parse_args()


def changed_environment(config, given: Sequence[str]) -> dict[str, tuple]:
    """Changes keys of `config.environment`; returns {key: (value, value in training)}, None where there was none.

    Args: given: texts KEY=VALUE, a value as in an override of `train`. Raises: ConfigError where one is no such text.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException
    from omegaconf import OmegaConf

    from rl.commands.maker import plain_value
    from rl.errors import ConfigError, require

    changes = {}
    for text in given:
        require("=" in text, f"--environment is {text!r}; it must be KEY=VALUE.")
        try:
            override = OverridesParser.create().parse_override(f"environment.{text}")
        except HydraException:
            raise ConfigError(f"--environment is {text!r}; it must be KEY=VALUE.") from None
        key = override.key_or_group.removeprefix("environment.")
        require(
            not override.is_sweep_override() and not key.startswith("_"),
            f"--environment is {text!r}; it must be KEY=VALUE, one value of one of the environment's own keys.",
        )
        changes[key] = (override.value(), plain_value(OmegaConf.select(config.environment, key)))
        OmegaConf.update(config.environment, key, override.value(), force_add=True)
    return changes


def _sampling(experiment, seed) -> Callable:
    """The policy of one environment that samples its actions; seed: [2] int, of the episode."""
    from rl.learning.seeds import Purpose, fold

    steps, actor = itertools.count(), experiment.learner.actor

    def policy(observation):
        return experiment.sampled(observation, actor.noise(fold(seed, Purpose.ACTION, next(steps)), (1,)))

    return policy


def _in_words(evaluation, max_steps: int) -> str:
    """Mean, standard deviation and range of the returns in words, and the number of episodes that were cut.

    max_steps: environment steps after which an episode was cut.
    """
    summary, low, high = evaluation.summary(), evaluation.returns.min(), evaluation.returns.max()
    cut = f"; {summary['cut']} of them cut at {max_steps:,} steps" if summary["cut"] else ""
    mean_and_std = f"{summary['mean']:.2f} ± {summary['std']:.2f}"
    return f"{mean_and_std} over {summary['episodes']} episodes, {low:.1f} to {high:.1f}{cut}"


def _record(experiment, policy: Callable, file: Path, seed, max_steps: int) -> None:
    """Records one episode as MP4, and prints the number of its frames to standard error.

    Args:
        policy: observation [1, ...] → action [1, ...].
        file: the MP4; seed: [2] int, of the episode; max_steps: environment steps after which it is cut.
    """
    from rl.runs.videos import record

    environment = experiment.make_environment(num_envs=1, render_mode="rgb_array", vectorization="sync")
    frames, cut = record(environment, policy, file, seed=seed, max_steps=max_steps)
    environment.close()
    print(f"{file}: {frames} frames{', cut there' if cut else ''}", file=sys.stderr)


def command() -> None:
    """Runs the command line; the process ends with its exit code."""
    report_errors(main)
