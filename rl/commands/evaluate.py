"""Evaluate a trained agent: python scripts/evaluate.py RUN [--episodes N] [--video]; prints JSON with --json."""

import argparse
import json
import os
import sys
from pathlib import Path

from rl.runtime import prepare

prepare()

from rl.commands.answers import add_trust, not_negative, positive, report_errors
from rl.commands.composition import load_run


def main() -> None:
    """Greedy returns of a run's checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a run directory")
    parser.add_argument("--checkpoint", default="newest", help="newest, best, or a file (default: newest)")
    parser.add_argument("--episodes", type=positive, default=100, help="greedy episodes (default: 100)")
    parser.add_argument("--max-steps", type=positive, help="steps at which an episode is cut (default: as in training)")
    parser.add_argument("--seed", type=not_negative, default=0, help="of the evaluation's episodes (default: 0)")
    parser.add_argument("--video", type=Path, help="also record one episode to this MP4 file (extra `video`)")
    parser.add_argument("--json", action="store_true", help="print one JSON line with every return")
    add_trust(parser)
    arguments = parser.parse_args()

    from rl.errors import require
    from rl.learning.seeds import Purpose, fold, run_seed
    from rl.runs.videos import record

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
    summary = evaluation.summary()
    if arguments.json:
        print(json.dumps({**summary, "returns": evaluation.returns.tolist()}, allow_nan=False))
    else:
        low, high = evaluation.returns.min(), evaluation.returns.max()
        print(
            f"{summary['mean']:.2f} ± {summary['std']:.2f} over {summary['episodes']} episodes, {low:.1f} to {high:.1f}"
            + (f"; {summary['cut']} of them cut at {max_steps:,} steps" if summary["cut"] else "")
        )
    if arguments.video:
        environment = experiment.make_environment(num_envs=1, render_mode="rgb_array", vectorization="sync")
        frames, cut = record(environment, experiment.greedy, arguments.video, seed=seed, max_steps=max_steps)
        environment.close()
        print(f"{arguments.video}: {frames} frames{', cut there' if cut else ''}", file=sys.stderr)


def command() -> None:
    """Runs the command line; the process ends with its exit code."""
    report_errors(main)
