"""Every combiner where a shared torso fails under `sum`, and with the default settings: returns and the rows.

The plain settings are CleanRL's with 8 environments, an unclipped value loss and one torso for both heads. All seeds of
a setting are one program on the compiled CartPole. An objective's share of the applied step is c g·Δw over the sum of
its absolute values over the objectives; it is negative where the step lowers the loss.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from studies import interval, last_returns, train_settings, typical, with_interval

from benchmarks.printing import machine, markdown
from benchmarks.runs import combiner_names, summary

_ENVIRONMENT = ("environment=compiled/cartpole", "threads=2")
_PLAIN = ("experiment=cleanrl", "network.shared=true", "num_envs=8", "agent.value_loss=squared")
_KINDS = ("plain", "default")


def add(commands) -> None:
    """Adds the command and its options."""
    help_ = "every combiner where a shared torso fails; long, resumable"
    command = commands.add_parser("shared", help=help_, description=__doc__)
    command.add_argument("--seeds", type=int, default=20, help="seeds of the plain settings (default: 20)")
    command.add_argument("--default-seeds", type=int, default=5, help="seeds of the default settings (default: 5)")
    command.add_argument("--settings", nargs="*", choices=_KINDS, default=_KINDS, help="which tables (default: both)")
    command.add_argument("--steps", type=int, default=500_000, help="environment steps of each seed (default: 500,000)")
    command.add_argument("--only", nargs="*", default=combiner_names(), help="combiners (default: all)")
    command.add_argument("--folder", type=Path, default=Path("runs/shared_torso"), help="where the runs are kept")
    command.add_argument("--figure", type=Path, help="write a figure of the plain settings to this PNG file")
    command.set_defaults(run=shared)


def shared(arguments: argparse.Namespace) -> None:
    """Trains all combiners with all seeds and prints a table for each kind of settings; complete runs are reused."""
    if arguments.figure and "plain" not in arguments.settings:
        sys.exit("--figure draws the plain settings, which --settings leaves out; add plain, or leave out --figure.")
    of_kind = {"plain": (_PLAIN, arguments.seeds), "default": ((), arguments.default_seeds)}
    kinds = {kind: of_kind[kind] for kind in arguments.settings}
    for kind, (settings, seeds) in kinds.items():
        shared = (*_ENVIRONMENT, *settings, f"steps={arguments.steps}")
        every = {name: (*shared, f"combiner={name}") for name in arguments.only}
        train_settings(every, arguments.folder / kind, seeds=seeds)
    for kind, (settings, seeds) in kinds.items():
        rows = [
            _row(combiner, [arguments.folder / kind / combiner / f"seed={seed}" for seed in range(seeds)])
            for combiner in arguments.only
        ]
        print(
            f"\n{kind}: {' '.join(settings) or 'no overrides'}, compiled CartPole, {arguments.steps:,} steps, {seeds} "
            f"seeds; means with 95 % bootstrap intervals, medians of the rows' quantities. {machine()}\n"
        )
        header = [
            "combiner",
            "return in the last 5 % of training",
            "greedy evaluation",
            "worst seed",
            "value row / policy row",
            "cosine",
            "step's share for policy",
            "for value",
            "−Δw's cosine with the policy's row",
            "with the value's",
        ]
        print(markdown(header, rows))
    if arguments.figure:
        plain = arguments.folder / "plain"
        runs = {name: [plain / name / f"seed={seed}" for seed in range(arguments.seeds)] for name in arguments.only}
        _figure(runs, arguments.figure)
        print(f"\nWritten: {arguments.figure}")


def _row(combiner: str, runs: Sequence[Path]) -> list[str]:
    """A combiner's line: returns of the runs, and medians over training, then over seeds, of the rows' quantities."""
    training, greedy = [last_returns(run) for run in runs], [summary(run)["evaluation"]["mean"] for run in runs]

    def over_runs(tag: str, form: str) -> str:
        return format(np.median([typical(run, tag) for run in runs]), form)

    return [
        f"`{combiner}`",
        with_interval(training),
        with_interval(greedy),
        f"{min(greedy):.1f}",
        over_runs("gradient/norm_ratio/value-policy", ".3g"),
        over_runs("gradient/cosine/policy-value", "+.3f"),
        over_runs("update/share/policy", "+.3f"),
        over_runs("update/share/value", "+.3f"),
        over_runs("update/cosine/policy-applied", "+.3f"),
        over_runs("update/cosine/value-applied", "+.3f"),
    ]


def _figure(runs: Mapping[str, Sequence[Path]], file: Path) -> None:
    """Draws the return in training with its interval, and the step's cosine with each row; the best combiner first."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    returns = {name: [last_returns(run) for run in seeds] for name, seeds in runs.items()}
    names = sorted(returns, key=lambda name: -np.mean(returns[name]))
    places = np.arange(len(names))
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 1.5 + 0.33 * len(names)), sharey=True, layout="constrained")
    means = np.array([np.mean(returns[name]) for name in names])
    ends = np.array([interval(returns[name]) for name in names])
    left.barh(places, means, color="#4477aa", xerr=np.abs(ends.T - means), error_kw={"elinewidth": 1, "capsize": 2})
    for place, name in zip(places, names, strict=True):
        left.plot(returns[name], np.full(len(returns[name]), place), "|", color="black", alpha=0.35, markersize=7)
    left.set_yticks(places, names)
    left.invert_yaxis()
    left.set_title("return in the last 5 % of training\n(mean and 95 % interval; a tick a seed)", fontsize=10)
    for offset, objective, color in ((-0.2, "policy", "#4477aa"), (0.2, "value", "#ee6677")):
        tag = f"update/cosine/{objective}-applied"
        cosines = [np.median([typical(run, tag) for run in runs[name]]) for name in names]
        right.barh(places + offset, cosines, 0.4, color=color, label=f"the {objective}'s row")
    right.axvline(0, color="black", linewidth=0.8)
    right.set_title("cosine of the applied step, −Δw, and\n(median over training, then over seeds)", fontsize=10)
    right.legend(fontsize=8)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110)
    plt.close(figure)
