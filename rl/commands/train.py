"""Train an agent: python scripts/train.py [group=choice …] [key=value …]; --help says what there is.

The same command on the same run directory resumes an interrupted run and shows the result of a complete one;
extend=RUN steps=N trains a complete run on to N steps. Exit codes: 0 done; 1 a job of a sweep failed; 2 refused before
training; 3 training had to stop; 4 trained to the end, but a part of the record is lost; 130 interrupted.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rl.runtime import prepare

prepare()

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from rl.commands import help_text, sweeps
from rl.commands.answers import exit_code
from rl.commands.command_line import with_quoted_path
from rl.commands.composition import built, is_multirun, keep
from rl.commands.extending import extended, placed
from rl.commands.invocation import Invocation, description, invocation
from rl.commands.restoring import load_config
from rl.commands.results import result, shown, these
from rl.commands.run_names import flat, run_paths
from rl.commands.threads import with_threads
from rl.config_files import CONFIGS

_EVALUATION = ("evaluation.episodes", "evaluation.max_steps")
"""Keys that change the result of a complete run, but not its weights."""

help_text.register_resolvers()


@hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name="train")
def main(config: DictConfig) -> float | None:
    """Runs one job: a run, or the runs of several seeds in one program.

    In a sweep every error becomes a row of the sweep's table. In a single run it becomes a message on standard error,
    and the process ends with the exit code above.

    Returns: the score that a sweeper maximises, None without an evaluation.
    """
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
    if outcome.why:  # a part of the record is lost
        sys.exit(4)
    return outcome.score


def run(config: DictConfig, output: Path) -> sweeps.Outcome:
    """Trains, resumes or skips the runs of a config, and returns which of these it was.

    The config is checked before any directory is made or changed, and a directory in which nothing was written is
    removed again. In a sweep a run that failed earlier is trained again only with `retry_failed=true`.

    Args:
        config: of all seeds together.
        output: the run directory that Hydra names for the first seed.
    Returns: the outcome; its score is the mean of `evaluation.<objective>` over the seeds.
    Raises: ConfigError, LeakError, TrainingError; SystemExit(130) after a signal, which ends a sweep as well.
    """
    from rl.commands.parts import loggers_of, parts_of
    from rl.commands.resuming import is_complete
    from rl.runs.directory import RunDirectory

    directories, made = [RunDirectory(output)], invocation()
    try:
        if config.extend is not None:
            config, made = extended(config, made)
        parts_of(config)
        loggers_of(config)
        directories = [RunDirectory(path) for path in run_paths(output, config)]
        earlier = _summaries(config, directories)
        failed = [summary for summary in earlier if summary["status"] == "failed"]
        if failed and is_multirun() and not config.retry_failed:
            why = f"{failed[0].get('error', 'no reason was kept')} (retry_failed=true trains it again)"
            return sweeps.Outcome("failed earlier", why=why, where=str(directories[0].path))
        begun = not config.fresh and any(any(directory.checkpoints.glob("*.npz")) for directory in directories)
        summaries = train(config, directories, made)
    except BaseException:
        for directory in directories:
            directory.remove_if_unused()
        raise
    if any(summary["status"] == "interrupted" for summary in summaries):
        sys.exit(130)
    complete = len(earlier) == len(directories) and all(is_complete(one, config.steps) for one in earlier)
    same = complete and all(a["evaluation"] == b["evaluation"] for a, b in zip(earlier, summaries, strict=True))
    skipped = "skipped" if same else "evaluated"
    scores = [summary["evaluation"][config.objective] for summary in summaries if summary["evaluation"]]
    return sweeps.Outcome(
        status=skipped if complete else "resumed" if begun else "done",
        score=sum(scores) / len(scores) if scores else None,
        why="; ".join(dict.fromkeys(lost for summary in summaries for lost in summary.get("lost", ()))),
        where=str(directories[0].path),
    )


def train(config: DictConfig, directories: list, made: Invocation) -> list[dict]:
    """Trains or resumes incomplete runs, or shows the results of complete ones; returns the runs' summaries.

    Unfinished seeds that are consecutive are trained without the complete ones; otherwise all seeds go into one program
    again, since another number of seeds is another program, which may round differently.

    Args:
        config: of all seeds together.
        directories: one per seed, in the order of the seeds.
        made: the choices and overrides to record.
    Raises: ConfigError, LeakError, TrainingError.
    """
    from rl.commands.resuming import check_same_config, is_finished, with_earlier_probes

    for directory in directories:
        directory.check_usable()
    config = with_threads(config, _summaries(config, directories))
    if config.fresh:
        return _trained(config, directories, made)
    configs = _configs_of(config)
    for directory, own in zip(directories, configs, strict=True):
        check_same_config(own, directory.path, extends=made.extends)
    summaries = [directory.summary() for directory in directories]
    finished = [is_finished(one, summary, config.steps) for one, summary in zip(directories, summaries, strict=True)]
    unfinished = [place for place, is_done in enumerate(finished) if not is_done]
    if not unfinished:
        return _complete(config, configs, directories, summaries, made)
    first, after = unfinished[0], unfinished[-1] + 1
    if after - first == len(unfinished) < len(directories):
        rest = OmegaConf.merge(config, {"seed": config.seed + first, "seeds": after - first})
        return summaries[:first] + train(rest, directories[first:after], made) + summaries[after:]
    return _trained(with_earlier_probes(config, directories), directories, made)


def _summaries(config: DictConfig, directories: Sequence) -> list[dict]:
    """The summaries of earlier runs in the directories; none with `fresh=true`, which removes them."""
    return [] if config.fresh else [summary for directory in directories if (summary := directory.summary())]


def _trained(config: DictConfig, directories: Sequence, made: Invocation) -> list[dict]:
    """Trains from the newest common checkpoint or from the start, and prints the results; returns the summaries."""
    training = run_of(config, _configs_of(config), directories, made)
    learner = training.experiment.learner
    together = f", {len(directories)} seeds in one program" if len(directories) > 1 else ""
    print(
        f"Training in {shown(directories[0].path)}: {learner.num_iterations:,} iterations of "
        f"{learner.steps_per_iteration:,} steps{together}.",
        flush=True,
    )
    summaries = training.run()
    keep(config, training.experiment)  # for later jobs of this process
    for directory in directories:
        directory.unlock()
    if not is_multirun():
        print(result(summaries, directories))
    return summaries


def _configs_of(config: DictConfig) -> list[DictConfig]:
    """The config of each seed, as in a solo run: `seeds` is 1."""
    if config.seeds == 1:
        return [config]
    plain = OmegaConf.to_container(config, resolve=True)
    return [OmegaConf.create({**plain, "seed": config.seed + number, "seeds": 1}) for number in range(config.seeds)]


def run_of(
    config: DictConfig,
    configs: Sequence[DictConfig],
    directories: Sequence,
    made: Invocation,
    *,
    kind: type | None = None,
    say: Callable[[str], None] | None = None,
):
    """The `Run` of a config, its experiment built and audited, its directories locked; nothing is trained or written.

    The compiled program of an earlier job of this process is reused if it fits (`composition.built`).

    Args:
        configs: one per seed, as in a solo run; the directories record them, and what `made` holds.
        kind: the class to make, `Run` or one derived from it; None for `Run`.
        say: receives sentences for the user; None prints them.
    Raises: ConfigError, LeakError; BusyError where another process trains in one of the directories.
    """
    from rl.commands.parts import loggers_of, run_settings
    from rl.commands.resuming import check_load
    from rl.runs.run import Run

    _, settings = run_settings(config)
    experiment = built(config)
    experiment.audit()
    check_load(config, directories)
    for directory in directories:
        directory.lock()
    return (kind or Run)(
        experiment,
        directories,
        settings,
        descriptions=[
            description(own, directory.path, made, fresh=config.fresh)
            for own, directory in zip(configs, directories, strict=True)
        ],
        say=say or (lambda text: print(text, flush=True)),
        fresh=config.fresh,
        make_loggers=loggers_of(config),
    )


def _complete(
    config: DictConfig, configs: list[DictConfig], directories: list, summaries: list[dict], made: Invocation
) -> list[dict]:
    """Shows the results of complete runs; evaluates them again if `evaluation.…` asks for other episodes.

    Other probes change nothing in a complete run, and a message says so.

    Args:
        summaries: one per run, as the directories hold them.
    Returns: the summaries, with the new evaluations if any. Raises: SystemExit(130) where a signal interrupted them.
    """
    saved, given = flat(load_config(directories[0].path)), flat(configs[0])
    other = [key for key in _EVALUATION if saved.get(key) != given[key]]
    if other:
        own = {"probe": load_config(directories[0].path).probe}
        config, configs = OmegaConf.merge(config, own), [OmegaConf.merge(one, own) for one in configs]
        training = run_of(config, configs, directories, made)
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


def command() -> None:
    """Runs the command line, a single run or a sweep; the process ends with its exit code."""
    from rl.errors import ConfigError

    try:
        sys.argv[1:] = placed([with_quoted_path(text) for text in sys.argv[1:]])
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    sys.exit(exit_code(lambda: sweeps.command(main)))
