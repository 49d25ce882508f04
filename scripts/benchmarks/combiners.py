"""The cost of every combiner relative to PCGrad: PPO on the compiled CartPole, alternating programs in one process."""

import argparse
import time

from benchmarks.printing import machine, markdown, median
from benchmarks.runs import combiner_names
from rl.commands.progress import progress

_BESIDE = "pcgrad"


def add(commands) -> None:
    """Adds the command and its options."""
    command = commands.add_parser("combiners", help="cost of every combiner relative to PCGrad", description=__doc__)
    command.add_argument("--rounds", type=int, default=5)
    command.add_argument("--num-envs", type=int, default=64, help="environments (default: 64)")
    command.add_argument("--threads", type=int, default=2, help="CPU threads (default: 2)")
    command.add_argument("--steps", type=int, default=500_000, help="environment steps of a turn (default: 500,000)")
    command.add_argument("--only", nargs="*", default=combiner_names(), help="combiners (default: all)")
    command.add_argument("overrides", nargs="*", help="overrides of the config, for all combiners")
    command.set_defaults(run=combiners)


def combiners(arguments: argparse.Namespace) -> None:
    """Measures steps/s of all programs and prints a table."""
    names = sorted({_BESIDE, *arguments.only})
    settings = ["environment=compiled/cartpole", f"num_envs={arguments.num_envs}", "steps=1_000_000_000", "probe=none"]
    settings += arguments.overrides
    programs = _programs([[*settings, f"combiner={name}"] for name in names], arguments.threads)
    turns = dict(zip(names, programs, strict=True))
    rates: dict[str, list[float]] = {name: [] for name in names}
    for number in progress(range(arguments.rounds), "rounds"):
        for name in names if number % 2 else names[::-1]:
            rates[name].append(_rate(turns[name], arguments.steps))
    print(
        f"PPO, compiled CartPole, {arguments.num_envs} environments, rows at every update (but for `sum`), no probes, "
        f"{arguments.threads} threads; medians of {arguments.rounds} alternating rounds. {machine()}\n"
    )
    rows = []
    for name in names:
        ratios = (own / beside for own, beside in zip(rates[name], rates[_BESIDE], strict=True))
        rows.append([f"`{name}`", median(rates[name], ",.0f"), f"{median(ratios, '.2f')} ×"])
    print(markdown(["combiner", "steps/s", f"beside `{_BESIDE}`"], rows))


def _programs(settings: list[list[str]], threads: int) -> list:
    """The compiled training programs, one for each list of overrides."""
    import hydra
    import tensorflow as tf

    from rl.commands.composition import build
    from rl.commands.run_names import register_resolvers
    from rl.config_files import CONFIGS

    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    register_resolvers()
    made = []
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        for overrides in progress(settings, "compiling"):
            programs = build(hydra.compose("train", overrides=overrides)).programs(probe_every=1_000_000)
            programs.compile()
            made.append(programs)
    return made


def _rate(programs, steps: int) -> float:
    """Environment steps per second, measured over at least `steps` steps."""
    began, done, per_iteration = time.perf_counter(), 0, programs.learner.steps_per_iteration
    while done < steps:
        count = -(-(steps - done) // per_iteration)
        done += per_iteration * len(programs.iterate(count).metrics["bad_update"])
    return done / (time.perf_counter() - began)
