"""Compiled environments, with the whole iteration as one XLA program, beside a JAX program with the same settings."""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers import peer_rate
from benchmarks.printing import machine, markdown, median
from benchmarks.runs import QUIET, rate, runs_below, train
from rl.commands.progress import progress

_SAME = (*QUIET, "agent.value_loss=clipped", "normalize.rewards=false")
_CARTPOLE = ("environment=compiled/cartpole",)
# The peer's Breakout has a time limit and no sticky actions.
_BREAKOUT = (
    "environment=compiled/minatar/breakout",
    "environment.max_episode_steps=1000",
    "environment.sticky_action_probability=0.0",
)


class Setting(NamedTuple):
    """One line of the table; `steps` are the environment steps of each seed."""

    name: str
    num_envs: int
    steps: int
    ours: tuple[str, ...]  # overrides of train.py
    peer: tuple[str, ...] = ()  # options of the peer that not every setting has
    peer_threads: int = 2  # the fastest number for the peer; this project takes its default

    def overrides(self) -> tuple[str, ...]:
        """The overrides of train.py, without steps and threads."""
        return (*_SAME, *self.ours, f"num_envs={self.num_envs}")

    def options(self) -> tuple[str, ...]:
        """The options of the peer, without steps and threads."""
        return (*self.peer, "--num-envs", str(self.num_envs))


_PCGRAD = (*_CARTPOLE, "combiner=pcgrad")
_SURGERY = ("--surgery", "pcgrad")

SETTINGS = (
    Setting("CartPole, `sum`, 8 environments", 8, 2_000_000, _CARTPOLE, peer_threads=1),
    Setting("CartPole, `sum`, 64 environments", 64, 1_500_000, _CARTPOLE),
    Setting("CartPole, `sum`, 512 environments", 512, 2_000_000, _CARTPOLE),
    Setting("CartPole, `pcgrad`, 8 environments", 8, 1_500_000, _PCGRAD, _SURGERY, peer_threads=1),
    Setting("CartPole, `pcgrad`, 64 environments", 64, 1_200_000, _PCGRAD, _SURGERY),
    Setting("CartPole, `pcgrad`, 512 environments", 512, 1_600_000, _PCGRAD, _SURGERY),
    Setting("Breakout, `sum`, 64 environments", 64, 800_000, _BREAKOUT, ("--env", "Breakout-MinAtar")),
    Setting("CartPole, `sum`, 32 seeds of 8 environments", 8, 60_000, (*_CARTPOLE, "seeds=32"), ("--seeds", "32")),
)


class Turn(NamedTuple):
    """A setting's figures in one round: steps/s of both programs, and seconds to the end of the first iteration."""

    ours: float
    peer: float
    seconds_to_start: float
    threads: int
    peer_threads: int


def add(commands) -> None:
    """Adds the command and its options."""
    command = commands.add_parser("compiled", help="steps/s of compiled environments beside JAX", description=__doc__)
    command.add_argument("--peer-python", required=True, help="a Python that has gymnax (scripts/peers/README.md)")
    command.add_argument("--rounds", type=int, default=5)
    command.add_argument("--threads", default="auto", help="CPU threads of this project (default: auto)")
    command.add_argument(
        "--peer-threads", type=int, help="CPU threads of the peer (default: 1 with 8 environments, else 2)"
    )
    command.add_argument("--only", default="", help="measure only settings whose names contain this text")
    command.add_argument("--scale", type=float, default=1.0, help="factor on the steps of each run (default: 1)")
    command.set_defaults(run=compiled)


def compiled(arguments: argparse.Namespace) -> None:
    """Measures all settings in alternating rounds and prints a table."""
    settings = [setting for setting in SETTINGS if arguments.only in setting.name]
    turns: dict[Setting, list[Turn]] = {setting: [] for setting in settings}
    with tempfile.TemporaryDirectory() as folder:
        for number in progress(range(arguments.rounds), "rounds"):
            for setting in settings:
                turns[setting].append(_turn(setting, arguments, Path(folder), peer_first=bool(number % 2)))
    print(f"PPO, shared 64-64 torso, probes at their defaults; medians of {arguments.rounds} rounds. {machine()}\n")
    header = ["settings", "threads", "steps/s", "JAX", "ratio (lowest to highest)"]
    header += ["seconds to the first iteration's end"]
    print(markdown(header, (row(setting.name, turns[setting]) for setting in settings)))


def row(name: str, turns: Sequence[Turn]) -> list[str]:
    """A setting's line: medians over the rounds; the ratio is the median of the rounds' ratios."""
    ratios = [turn.ours / turn.peer for turn in turns]
    return [
        name,
        f"{turns[0].threads}, JAX {turns[0].peer_threads}",
        median((turn.ours for turn in turns), ",.0f"),
        median((turn.peer for turn in turns), ",.0f"),
        f"{median(ratios, '.2f')} × ({min(ratios):.2f} to {max(ratios):.2f})",
        median((turn.seconds_to_start for turn in turns), ".1f"),
    ]


def _turn(setting: Setting, arguments: argparse.Namespace, folder: Path, *, peer_first: bool) -> Turn:
    """Runs both programs once, the peer first or last."""
    steps, threads = round(setting.steps * arguments.scale), arguments.peer_threads or setting.peer_threads
    options = (*setting.options(), "--steps", str(steps), "--threads", str(threads))

    def peer() -> float:
        return peer_rate(arguments.peer_python, "jax_ppo.py", *options)

    theirs = peer() if peer_first else None
    # Without the cache, so that every round compiles the same programs.
    how = (f"steps={steps}", f"threads={arguments.threads}", "compilation_cache=null")
    run = train(folder, *setting.overrides(), *how)
    own = runs_below(run.folder)[0].summary["threads"]
    return Turn(rate(run.folder), peer() if theirs is None else theirs, run.seconds_to_start, own, threads)
