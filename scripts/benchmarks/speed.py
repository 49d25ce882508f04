"""Steps per second of PPO and A2C on Gymnasium's CartPole-v1 beside Stable-Baselines3 with the same settings."""

import argparse
import tempfile
from pathlib import Path

from benchmarks.peers import peer_rate
from benchmarks.printing import machine, markdown, median
from benchmarks.runs import rate, train
from rl.commands.progress import progress

_SAME = (
    "num_envs=8",
    "normalize.rewards=false",
    "checkpoint.every_steps=10_000_000",
    "evaluation.every_steps=10_000_000",
)
_AGENTS = {
    "ppo": (*_SAME, "probe.every_steps=10_240"),
    "a2c": (*_SAME, "probe.every_steps=400", "agent=a2c", "optimizer=rmsprop"),
}


def add(commands) -> None:
    """Adds the command and its options."""
    command = commands.add_parser("speed", help="steps/s beside Stable-Baselines3", description=__doc__)
    command.add_argument(
        "--peer-python", required=True, help="a Python that has stable_baselines3 (scripts/peers/README.md)"
    )
    command.add_argument(
        "--steps",
        type=int,
        default=400_000,
        help="environment steps of each run; a peer's run has a quarter",
    )
    command.add_argument("--rounds", type=int, default=5)
    command.set_defaults(run=speed)


def speed(arguments: argparse.Namespace) -> None:
    """Measures both libraries in alternation and prints a table."""
    ours, theirs = {agent: [] for agent in _AGENTS}, {agent: [] for agent in _AGENTS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in progress(range(arguments.rounds), "rounds"):
            for agent, overrides in _AGENTS.items():
                ours[agent].append(rate(train(Path(folder), *overrides, f"steps={arguments.steps}").folder))
                options = ("--algo", agent, "--num-envs", "8", "--steps", str(arguments.steps // 4))
                theirs[agent].append(peer_rate(arguments.peer_python, "sb3_ppo.py", *options))
    rows = []
    for agent in _AGENTS:
        ratios = [a / b for a, b in zip(ours[agent], theirs[agent], strict=True)]
        rows.append(
            [agent.upper(), median(ours[agent], ",.0f"), median(theirs[agent], ",.0f"), f"{median(ratios, '.2f')} ×"]
        )
    print(
        f"CartPole-v1 (Gymnasium), 8 environments, shared 64-64 torso, rows logged every 10th iteration; "
        f"medians of {arguments.rounds} rounds. {machine()}\n"
    )
    print(markdown(["agent", "steps/s", "Stable-Baselines3", "ratio"], rows))
