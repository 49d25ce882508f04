"""Evaluate a trained agent: python scripts/evaluate.py RUN [--episodes N] [--video]; prints JSON with --json."""

import argparse
import json
import os
import sys
from pathlib import Path

from rl.runtime import prepare

prepare()

from rl.commands.answers import add_trust, not_negative, positive, report_errors
from rl.commands.restoring import load_run


def main() -> None:
    """Evaluates a run's checkpoint, prints the undiscounted greedy returns, and records a video if requested.

    The episodes depend on --seed alone, not on the run's seed, so that checkpoints are compared on the same episodes.
    --json prints {mean, std, iqm, episodes, cut, returns: [episodes]} on one line.

    Raises: ConfigError where the run, the checkpoint or an option cannot be used; BadEnvironmentError where the
        environment fails during an episode.
    """
    arguments = _arguments()

    from rl.errors import require
    from rl.learning.seeds import Purpose, fold, run_seed

    require(
        arguments.video is None or not os.path.lexists(arguments.video),
        f"--video {arguments.video} exists, and would be replaced: remove it, or choose another name.",
    )
    experiment, config = load_run(arguments.run, arguments.checkpoint, trusted=arguments.trust)
    require(
        arguments.video is None or not experiment.learner.environment.compiled,
        "--video: this run's environment is compiled and draws no pictures; leave the option out.",
    )
    seed = fold(run_seed(arguments.seed), Purpose.EVALUATION)
    max_steps = arguments.max_steps or config.evaluation.max_steps
    (evaluation,) = experiment.evaluator(arguments.episodes, max_steps=max_steps).run([seed])
    if arguments.json:
        returns = evaluation.returns.tolist()
        print(json.dumps({**evaluation.summary(), "returns": returns}, allow_nan=False))
    else:
        print(_in_words(evaluation, max_steps))
    if arguments.video:
        _record(experiment, arguments.video, seed, max_steps)


def _arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a run directory")
    parser.add_argument("--checkpoint", default="newest", help="newest, best, or a file (default: newest)")
    parser.add_argument("--episodes", type=positive, default=100, help="greedy episodes (default: 100)")
    parser.add_argument("--max-steps", type=positive, help="steps at which an episode is cut (default: as in training)")
    parser.add_argument("--seed", type=not_negative, default=0, help="of the evaluation's episodes (default: 0)")
    parser.add_argument("--video", type=Path, help="also record one episode to this MP4 file (extra `video`)")
    parser.add_argument("--json", action="store_true", help="print one JSON line with every return")
    add_trust(parser)
    return parser.parse_args()


def _in_words(evaluation, max_steps: int) -> str:
    """Mean, standard deviation and range of the returns in words, and the number of episodes that were cut.

    max_steps: environment steps after which an episode was cut.
    """
    summary, low, high = evaluation.summary(), evaluation.returns.min(), evaluation.returns.max()
    cut = f"; {summary['cut']} of them cut at {max_steps:,} steps" if summary["cut"] else ""
    mean_and_std = f"{summary['mean']:.2f} ± {summary['std']:.2f}"
    return f"{mean_and_std} over {summary['episodes']} episodes, {low:.1f} to {high:.1f}{cut}"


def _record(experiment, file: Path, seed, max_steps: int) -> None:
    """Records one greedy episode as MP4, and prints the number of its frames to standard error.

    Args:
        file: the MP4; seed: [2] int, of the episode; max_steps: environment steps after which it is cut.
    """
    from rl.runs.videos import record

    environment = experiment.make_environment(num_envs=1, render_mode="rgb_array", vectorization="sync")
    frames, cut = record(environment, experiment.greedy, file, seed=seed, max_steps=max_steps)
    environment.close()
    print(f"{file}: {frames} frames{', cut there' if cut else ''}", file=sys.stderr)


def command() -> None:
    """Runs the command line; the process ends with its exit code."""
    report_errors(main)
