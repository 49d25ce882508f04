"""Updates per second of SAC and TD3 beside SBX, Stable-Baselines3 and the matrix products of an update alone.

An update is one minibatch, and there is one for every environment step. Nothing but updates is timed: neither start and
compilation, nor steps with random actions. The share is the part of an update's time that its products take as one XLA
program. Rows of objectives are compared on a torso that SAC's policy and critics share, `pcgrad` against `sum`.
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.peers import peer_line
from benchmarks.printing import machine, markdown, spread
from benchmarks.runs import QUIET, train, update_rate
from rl.commands.progress import progress

_TICKS = 250  # environment steps of an iteration and environment
_PEERS = {"SBX": "sbx_offpolicy.py", "Stable-Baselines3": "sb3_offpolicy.py"}
_PRODUCTS = "matrix products alone"
_SHARED = {combiner: f"shared torso, `{combiner}`" for combiner in ("sum", "pcgrad")}

Programs = dict[str, Callable[[], float]]
"""{name: runs the program once, and returns its updates per second}."""


def add(commands) -> None:
    """Adds the command and its options."""
    command = commands.add_parser("off_policy", help="updates/s of SAC and TD3 beside SBX", description=__doc__)
    command.add_argument("--peer-python", help="a Python that has sbx (scripts/peers/README.md); default: no peer")
    command.add_argument("--agent", nargs="+", choices=("sac", "td3"), default=["sac", "td3"])
    command.add_argument("--environment", default="compiled/pendulum", help="default: %(default)s")
    command.add_argument("--peer-environment", default="Pendulum-v1", help="the peers' id of it (default: %(default)s)")
    command.add_argument("--num-envs", type=int, default=1, help="environments stepped together (default: 1)")
    command.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        default=[1, 2],
        help="seeds in one program (default: 1 2); above 1: compiled environments",
    )
    command.add_argument("--rounds", type=int, default=5)
    command.add_argument("--threads", type=int, default=2, help="CPU threads of every program (default: 2)")
    command.add_argument("--peer-threads", type=int, help="CPU threads of the peers (default: --threads)")
    command.add_argument(
        "--steps",
        type=int,
        default=10_000,
        help="environment steps with updates, of each seed; one in 1,000 is probed; a peer's run has a quarter",
    )
    command.add_argument("overrides", nargs="*", help="overrides of train.py, for all runs of this project")
    command.set_defaults(run=off_policy)


def off_policy(arguments: argparse.Namespace) -> None:
    """Measures all programs in alternating rounds and prints both tables."""
    import tensorflow as tf

    tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        programs = {agent: _programs(agent, arguments, Path(folder)) for agent in arguments.agent}
        rates = {agent: {name: [] for name in of_agent} for agent, of_agent in programs.items()}
        turns = [(agent, name) for agent, of_agent in programs.items() for name in of_agent]
        for number in progress(range(arguments.rounds), "rounds"):
            for agent, name in turns[:: -1 if number % 2 else 1]:
                rates[agent][name].append(programs[agent][name]())
    print(
        f"{arguments.environment}, num_envs={arguments.num_envs}, 256-256 relu networks, batches of 256, an update for "
        f"every environment step, threads={arguments.threads} (peers: {arguments.peer_threads or arguments.threads}); "
        f"updates/s of all seeds together, medians of {arguments.rounds} alternating rounds with the range. {machine()}"
    )
    reference = _reference(rates[arguments.agent[0]])
    header = ["agent", "program", "updates/s", f"ratio to {reference}", "products' share"]
    print(f"\n{markdown(header, (line for agent in rates for line in lines(agent, rates[agent])))}")
    if "sac" in rates:
        print("\nSAC, one torso of policy and critics, no probes:\n")
        print(markdown(["combiner", "updates/s", "time of an update : that with `sum`"], rows_lines(rates["sac"])))


def lines(agent: str, rates: Mapping[str, Sequence[float]]) -> list[list[str]]:
    """An agent's lines of the first table; rates: {program: updates/s in each round}."""
    reference = rates[_reference(rates)]
    return [
        [agent.upper(), name, spread(own, ",.0f"), _ratio(own, reference, ".2f"), _ratio(own, rates[_PRODUCTS], ".0%")]
        for name, own in rates.items()
        if name not in _SHARED.values()
    ]


def rows_lines(rates: Mapping[str, Sequence[float]]) -> list[list[str]]:
    """The lines of the second table; rates: {program: updates/s in each round}."""
    summed = rates[_SHARED["sum"]]
    return [
        [f"`{combiner}`", spread(rates[name], ",.0f"), _ratio(summed, rates[name], ".2f")]
        for combiner, name in _SHARED.items()
    ]


def settings(agent: str, arguments: argparse.Namespace) -> tuple[str, ...]:
    """Overrides of train.py that all of this project's runs of an agent have in common.

    The first iteration only acts: it alone is a host call, so that no call mixes both kinds of iteration.
    """
    ticks = f"agent.ticks={_TICKS}"
    sizes = (f"num_envs={arguments.num_envs}", f"steps={arguments.steps + _TICKS * arguments.num_envs}")
    own = (f"agent={agent}", f"environment={arguments.environment}", ticks, "agent.warmup_steps=1")
    return (*QUIET, *own, *sizes, f"threads={arguments.threads}", *arguments.overrides)


def peer_options(agent: str, arguments: argparse.Namespace) -> tuple[str, ...]:
    """Options of a peer's program."""
    numbers = {
        "num-envs": arguments.num_envs,
        "steps": arguments.steps // 4,
        "threads": arguments.peer_threads or arguments.threads,
    }
    options = {"algo": agent, "env": arguments.peer_environment, **numbers}
    return tuple(word for name, value in options.items() for word in (f"--{name}", str(value)))


def _programs(agent: str, arguments: argparse.Namespace, folder: Path) -> Programs:
    """All programs of an agent, in the order of the tables."""

    def ours(*overrides: str) -> Callable[[], float]:
        return lambda: update_rate(train(folder, *settings(agent, arguments), *overrides).folder)

    def peer(program: str) -> Callable[[], float]:
        options = peer_options(agent, arguments)
        return lambda: peer_line(arguments.peer_python, program, *options)["updates_per_second"]

    found = {f"this project, {_of(seeds)}": ours("probe=none", f"seeds={seeds}") for seeds in arguments.seeds}
    first = arguments.seeds[0]
    found[f"this project, {_of(first)}, default probes"] = ours(f"seeds={first}")
    if arguments.peer_python:
        found |= {name: peer(program) for name, program in _PEERS.items()}
    found[_PRODUCTS] = _products(agent, arguments)
    if agent == "sac":
        shared = ("network.shared=true", "probe=none")
        found |= {name: ours(*shared, f"combiner={combiner}") for combiner, name in _SHARED.items()}
    return found


def _products(agent: str, arguments: argparse.Namespace) -> Callable[[], float]:
    """The updates per second of a program that computes nothing but their matrix products."""
    import hydra

    from benchmarks.update_products import UpdateShape, measurement
    from rl.commands.composition import build
    from rl.config_files import CONFIGS

    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        config = hydra.compose("train", overrides=[*settings(agent, arguments), "replay.capacity=1000"])
        environment = build(config).learner.environment
    (observation,), (action,) = environment.observation_space.shape, environment.action_space.shape
    seconds = measurement(agent, UpdateShape(observation, action))
    return lambda: 1 / seconds()


def _reference(rates: Mapping[str, Sequence[float]]) -> str:
    """The program that the others are compared with: SBX, or the first one without it."""
    return "SBX" if "SBX" in rates else next(iter(rates))


def _ratio(numbers: Sequence[float], others: Sequence[float], form: str) -> str:
    """Median and range of the rounds' ratios; `–` for a program beside itself."""
    if numbers is others:
        return "–"
    ratios = [a / b for a, b in zip(numbers, others, strict=True)]
    return spread(ratios, form)


def _of(seeds: int) -> str:
    """`1 seed`, `2 seeds`."""
    return f"{seeds} seed{'s' if seeds > 1 else ''}"
