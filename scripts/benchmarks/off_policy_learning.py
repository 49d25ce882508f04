"""Returns and speed of SAC and TD3 beside SBX's in one of Gymnasium's environments, seed by seed; resumable.

Both programs of a seed run at the same time with as many threads each, so that what else the machine does slows both.
There are as many updates as environment steps. The speed is that of the updates: neither start and compilation nor
steps with random actions are timed. Every complete pair is a line of the record, and what is in the record is not
trained again, even if its runs are gone.
"""

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import studies

from benchmarks.peers import peer_line
from benchmarks.printing import machine, markdown, spread
from benchmarks.runs import QUIET, SCRIPTS, update_rate
from rl.commands.progress import progress
from rl.runs.reader import RecordedRun

_WARMUP = 1_000  # environment steps with random actions
_NOT_TIMED = 100  # the peer's first environment steps with updates
_SETTING = ("environment", "num_envs", "steps", "threads", "episodes", "agent", "seed")
"""The columns of the record that tell which pair of runs a line is; the options of the same names."""


def add(commands) -> None:
    """Adds the command and its options."""
    help_ = "returns of SAC and TD3 beside SBX (hours for HalfCheetah); resumable"
    command = commands.add_parser("off_policy_learning", help=help_, description=__doc__)
    command.add_argument("--peer-python", required=True, help="a Python that has sbx (scripts/peers/README.md)")
    command.add_argument("--agent", nargs="+", choices=("sac", "td3"), default=["sac", "td3"])
    command.add_argument("--environment", default="HalfCheetah-v5", help="Gymnasium id (default: %(default)s)")
    command.add_argument("--steps", type=int, default=100_000, help="environment steps of a run (default: %(default)s)")
    command.add_argument("--num-envs", type=int, default=4, help="environments stepped together (default: 4)")
    command.add_argument("--seeds", type=int, default=5, help="seeds 0, 1, … (default: 5)")
    command.add_argument("--threads", type=int, default=1, help="CPU threads of every program (default: 1)")
    command.add_argument("--episodes", type=int, default=10, help="greedy episodes after training (default: 10)")
    command.add_argument("--folder", type=Path, default=Path("runs/off_policy_learning"), help="where the runs are")
    record = Path(__file__).with_suffix(".csv")
    command.add_argument("--record", type=Path, default=record, help="CSV of complete pairs (default: %(default)s)")
    command.set_defaults(run=off_policy_learning)


def off_policy_learning(arguments: argparse.Namespace) -> None:
    """Trains the pairs that the record lacks, and prints a table of all."""
    pairs = [(agent, seed) for agent in arguments.agent for seed in range(arguments.seeds)]
    for agent, seed in progress(pairs, "pairs of runs"):
        if _recorded(agent, seed, arguments) is None:
            _add_to_record(_trained(agent, seed, arguments), arguments.record)
    lines = [line for agent in arguments.agent for line in _lines(agent, arguments)]
    print(
        f"{arguments.environment}, num_envs={arguments.num_envs}, {arguments.steps:,} steps and as many updates, "
        f"{arguments.threads} thread(s) each, both at the same time; {arguments.seeds} seeds, {arguments.episodes} "
        f"greedy episodes each: mean and 95 % bootstrap interval; updates/s: median and range. {machine()}\n"
    )
    print(markdown(["agent", "program", "greedy return", "updates/s", "ratio to SBX"], lines))


def _setting(agent: str, seed: int, arguments: argparse.Namespace) -> dict[str, str]:
    """The setting's columns of a pair, as the record has them."""
    options = {**vars(arguments), "agent": agent, "seed": seed}
    return {name: str(options[name]) for name in _SETTING}


def _recorded(agent: str, seed: int, arguments: argparse.Namespace) -> Mapping[str, str] | None:
    """The record's line of a pair; None if it has none."""
    if not arguments.record.exists():
        return None
    wanted = _setting(agent, seed, arguments).items()
    with arguments.record.open(newline="") as file:
        return next((line for line in csv.DictReader(file) if wanted <= line.items()), None)


def _add_to_record(line: Mapping[str, object], file: Path) -> None:
    """Appends a line to the record, which gets its header with the first one."""
    new = not file.exists()
    with file.open("a", newline="") as opened:
        writer = csv.DictWriter(opened, fieldnames=list(line))
        if new:
            writer.writeheader()
        writer.writerow(line)


def _trained(agent: str, seed: int, arguments: argparse.Namespace) -> dict[str, object]:
    """Trains one seed with both programs at once, but for what is there already; the pair's line of the record."""
    folder = arguments.folder / arguments.environment / agent / str(seed)
    folder.mkdir(parents=True, exist_ok=True)
    environment = ("environment=gymnasium", f"environment.id={arguments.environment}")
    sizes = (f"num_envs={arguments.num_envs}", f"steps={arguments.steps}", f"seed={seed}")
    own = (f"agent={agent}", *environment, *sizes, f"agent.warmup_steps={_WARMUP}", f"threads={arguments.threads}")
    overrides = (*QUIET, *own, f"evaluation.episodes={arguments.episodes}", f"hydra.run.dir={folder / 'run'}")
    file = folder / "sbx.json"
    with (folder / "printed").open("w") as printed:
        process = subprocess.Popen(
            [sys.executable, str(SCRIPTS / "train.py"), *overrides], stdout=printed, stderr=subprocess.STDOUT
        )
        try:
            if not file.exists():
                line = peer_line(arguments.peer_python, "sbx_offpolicy.py", *_peer_options(agent, seed, arguments))
                file.write_text(json.dumps(line))
        finally:
            code = process.wait()
    if code:
        raise SystemExit(f"train.py {' '.join(overrides)} failed; see {folder / 'printed'}.")
    peer = json.loads(file.read_text())
    return {
        **_setting(agent, seed, arguments),
        "return": RecordedRun(folder / "run").summary["evaluation"]["mean"],
        "sbx_return": peer["evaluation"]["mean"],
        "updates_per_second": update_rate(folder / "run"),
        "sbx_updates_per_second": peer["updates_per_second"],
    }


def _peer_options(agent: str, seed: int, arguments: argparse.Namespace) -> tuple[str, ...]:
    """Options of the peer's program; its timed part is what is left of the steps."""
    numbers = {
        "num-envs": arguments.num_envs,
        "steps": arguments.steps - _WARMUP - _NOT_TIMED,
        "warmup-steps": _WARMUP,
        "threads": arguments.threads,
        "seed": seed,
        "evaluate": arguments.episodes,
    }
    options = {"algo": agent, "env": arguments.environment, **numbers}
    return tuple(word for name, value in options.items() for word in (f"--{name}", str(value)))


def _lines(agent: str, arguments: argparse.Namespace) -> list[list[str]]:
    """The two lines of an agent, from the record."""
    pairs = [_recorded(agent, seed, arguments) for seed in range(arguments.seeds)]
    own, theirs, rates, their_rates = (
        [float(pair[column]) for pair in pairs if pair is not None]
        for column in ("return", "sbx_return", "updates_per_second", "sbx_updates_per_second")
    )
    ratios = np.divide(rates, their_rates)
    return [
        [agent.upper(), "this project", studies.with_interval(own), spread(rates, ",.0f"), spread(ratios, ".2f")],
        [agent.upper(), "SBX", studies.with_interval(theirs), spread(their_rates, ",.0f"), "–"],
    ]
