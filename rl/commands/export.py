"""Export a run's policy: python scripts/export.py RUN --out FOLDER; only TensorFlow is needed to use it.

FOLDER becomes a SavedModel with act(observation, memory) and initial_memory(batch): greedy actions from raw
observations, equal to those of the run's evaluation bit for bit. README.md in it shows how to call it.
"""

import argparse
from pathlib import Path

from rl.runtime import prepare

prepare()

from rl.commands.answers import add_trust, report_errors
from rl.commands.restoring import load_run


def main() -> None:
    """Restores a checkpoint, and writes its policy into a new folder.

    Raises: ConfigError where the run or the checkpoint cannot be used, or the folder exists already.
    """
    arguments = _arguments()

    from rl.runs.export import check_free, export
    from rl.runs.onnx_file import check_onnx
    from rl.runs.reader import RecordedRun

    check_free(arguments.out)
    if arguments.onnx:
        check_onnx()
    experiment, config = load_run(arguments.run, arguments.checkpoint, trusted=arguments.trust)
    experiment.learner.environment.close()
    run = RecordedRun(arguments.run)
    whole = not run.missing("summary.json") and run.summary["steps"] == experiment.steps
    facts = {
        "agent": type(experiment.learner.agent).__name__,
        "environment": experiment.learner.environment.name,
        "seed": config.seed,
        "steps": experiment.steps,
        "evaluation": run.summary["evaluation"] if whole else None,
        "run": arguments.run.absolute().name,
    }
    export(experiment, arguments.out, facts, onnx=arguments.onnx)
    print(
        f"{arguments.out}: what {arguments.run} learned, at step {experiment.steps:,}. "
        f"README.md there shows how to call it: tf.saved_model.load({str(arguments.out)!r})."
    )


def _arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run directory")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write, which must not exist yet")
    parser.add_argument("--checkpoint", default="newest", help="newest, best, or a file (default: newest)")
    parser.add_argument("--onnx", action="store_true", help="also write an ONNX file (extra `onnx`)")
    add_trust(parser)
    return parser.parse_args()


def command() -> None:
    """Runs the command line; the process ends with its exit code."""
    report_errors(main)
