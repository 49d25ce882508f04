"""Which objective shapes the torso, and is the return the better for it? README.md has question, figure and finding.

python experiments/who_shapes_the_torso/study.py [--folder runs/studies] [--only breakout …]    trains, or goes on
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))

import numpy as np
import studies
from benchmarks.printing import markdown

from rl.reports.pyplot import pyplot
from rl.runs.reader import LAST_RETURN, RecordedRun

SEEDS = 10
AUXILIARY = (
    "reward_prediction",
    "next_observation",
    "inverse_dynamics",
    "termination",
    "self_prediction",
    "decorrelation",
)
TARGET = "+frozen.target={_target_:rl.frozen.Polyak,tau:0.005}"  # the successor's features in self_prediction
PROBES = "probe.names=[norms,cosines,attribution,cross_batch,representation,units]"
QUIET = ("evaluation.every_steps=1_000_000_000", "checkpoint.every_steps=1_000_000_000", PROBES)
NETWORK = ("network=mlp", "network.torso.widths=[128,128]", "network.torso.activation=relu")
MINATAR = ("experiment=minatar", *NETWORK, "steps=500_000", *QUIET)
ENVIRONMENTS = {
    "breakout": ("environment=compiled/minatar/breakout", *MINATAR),
    "space_invaders": ("environment=compiled/minatar/space_invaders", *MINATAR),
    "acrobot": ("environment=compiled/acrobot", "steps=200_000", *QUIET),
    "cartpole": ("environment=compiled/cartpole", "steps=500_000", *QUIET),
}
PPG = {  # an auxiliary phase every 8 or 32 iterations, in minibatches as large as those of the policy phase
    "breakout": ("agent.auxiliary_every=8", "agent.auxiliary_minibatches=64"),
    "space_invaders": ("agent.auxiliary_every=8", "agent.auxiliary_minibatches=64"),
    "acrobot": ("agent.auxiliary_every=32", "agent.auxiliary_minibatches=128"),
    "cartpole": ("agent.auxiliary_every=32", "agent.auxiliary_minibatches=128"),
}
SHARED = "PPO, shared"
VARIANTS = {
    SHARED: (),
    "PPO, separate": ("network.shared=false",),
    "PPO, policy_only": ("combiner=policy_only",),
    "PPO, value_only": ("combiner=value_only",),
    "PPG, single": ("agent=ppg", "agent.epochs=4"),
    "PPG, dual": ("agent=ppg", "agent.epochs=4", "agent.form=dual", "network.shared=false"),
    **{
        f"PPO + {name}": (f"auxiliary=[{name}]", *((TARGET,) if name == "self_prediction" else ()))
        for name in AUXILIARY
    },
}
MEASURED = {
    "policy_share": "update/share/policy",
    "value_share": "update/share/value",
    "refit_share": "update/share/refit",
    "cosine": "gradient/cosine/policy-value",
    "cross_batch": "gradient/cross_batch/policy-value",
}


def main() -> None:
    """Trains what is not there yet, and writes data and figure."""
    arguments = studies.arguments(__doc__, list(ENVIRONMENTS))
    folder = arguments.folder / "who_shapes_the_torso"
    for environment in arguments.only:
        settings = {_place(environment, variant): overrides(environment, variant) for variant in VARIANTS}
        studies.train_settings(settings, folder, seeds=SEEDS)
    rows = [row for environment in arguments.only for row in measured(folder, environment)]
    studies.write_csv(HERE / "data.csv", rows)
    for environment in arguments.only:
        print(f"\n{environment}, {SEEDS} seeds:\n\n{table([row for row in rows if row['environment'] == environment])}")
    figure(rows, HERE / "figure.png")


def overrides(environment: str, variant: str) -> tuple[str, ...]:
    """The overrides of scripts/train.py for a setting."""
    own = (*VARIANTS[variant], *(PPG[environment] if variant.startswith("PPG") else ()))
    return (*ENVIRONMENTS[environment], *own)


def _place(environment: str, variant: str) -> str:
    """The folder of a setting, below the study's."""
    return f"{environment}/{variant.replace(', ', '_').replace(' + ', '_')}"


def measured(folder: Path, environment: str) -> list[dict[str, object]]:
    """The measurements of every run, one row per run."""
    return [
        {"environment": environment, "variant": variant, "seed": run.summary["seed"], **_measured(run, variant)}
        for variant in VARIANTS
        for run in studies.runs_of(folder, _place(environment, variant), seeds=SEEDS)
    ]


def _measured(run: RecordedRun, variant: str) -> dict[str, float]:
    """{quantity: number} of one run: medians over training, but rank and units are means over its last quarter.

    NaN where a quantity does not exist, such as the share of an objective that the agent does not have.
    """
    torso = "torso" if run.metrics.columns.get("representation/effective_rank/torso") is not None else "policy_torso"
    own = variant.rsplit(" + ", maxsplit=1)[-1]
    *_, last_layer = (tag for tag in run.metrics.columns if tag.startswith(f"representation/dormant/{torso}/"))
    return {
        "training_return": run.metrics.last_return(),
        "greedy_return": run.summary["evaluation"]["mean"],
        **{name: run.metrics.typical(tag) for name, tag in MEASURED.items()},
        "auxiliary_share": run.metrics.typical(f"update/share/{own}"),
        "effective_rank": _late(run, f"representation/effective_rank/{torso}"),
        "dormant": _late(run, last_layer),
        "wall_seconds": run.summary["wall_seconds"],
    }


def _late(run: RecordedRun, tag: str) -> float:
    """The mean of a tag over the last quarter of training."""
    column = run.metrics.column(tag)
    return float(np.nanmean(column[3 * len(column) // 4 :]))


def of_variants(rows: Sequence[Mapping]) -> dict[str, dict[str, list[float]]]:
    """{variant: {quantity: its number in every seed}}."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        for name, number in row.items():
            if name not in ("environment", "variant", "seed"):
                found.setdefault(row["variant"], {}).setdefault(name, []).append(number)
    return found


def table(rows: Sequence[Mapping]) -> str:
    """The table of one environment: returns with 95 % bootstrap intervals, medians over seeds of everything else."""
    found, lines = of_variants(rows), []
    for variant, numbers in found.items():
        apart = studies.difference(numbers["training_return"], found[SHARED]["training_return"])
        line = [variant, studies.with_interval(numbers["training_return"])]
        line.append("–" if variant == SHARED else f"{apart[0]:+.1f} ({apart[1]:+.1f} to {apart[2]:+.1f})")
        line.append(studies.with_interval(numbers["greedy_return"]))
        line += [_middle(numbers[f"{name}_share"], ".0%") for name in ("policy", "value", "refit", "auxiliary")]
        line += [_middle(numbers[name], "+.2f") for name in ("cosine", "cross_batch")]
        lines.append([*line, _middle(numbers["effective_rank"], ".1f"), _middle(numbers["dormant"], ".0%")])
    header = ["setting", LAST_RETURN, f"minus {SHARED}", "greedy"]
    header += ["policy's share of the step", "value's", "refit's (auxiliary phase)", "the auxiliary objective's"]
    return markdown([*header, "cosine policy–value", "across halves", "effective rank", "dormant units"], lines)


def _middle(numbers: Sequence[float], form: str) -> str:
    """The median over seeds, or a dash where no run has the quantity."""
    return f"{np.nanmedian(numbers):{form}}" if np.isfinite(numbers).any() else "–"


PANELS = {
    "training_return": LAST_RETURN,
    "policy_share": "policy's share of the step",
    "effective_rank": "effective rank of the features",
    "dormant": "dormant units of the last layer",
}


def figure(rows: Sequence[Mapping], file: Path) -> None:
    """One row of panels per environment: means over seeds with 95 % intervals and every seed as a dot."""
    plt = pyplot()
    environments = list(dict.fromkeys(row["environment"] for row in rows))
    drawn, axes = plt.subplots(
        len(environments), len(PANELS), figsize=(14, 4.2 * len(environments)), squeeze=False, layout="constrained"
    )
    for line, environment in zip(axes, environments, strict=True):
        found = of_variants([row for row in rows if row["environment"] == environment])
        for axis, (quantity, label) in zip(line, PANELS.items(), strict=True):
            for place, (variant, numbers) in enumerate(found.items()):
                _mark(axis, place, numbers[quantity], "#ee6677" if variant.startswith("PPG") else "#4477aa")
            axis.set(ylim=(len(found) - 0.5, -0.5), xlabel=label, title=environment if axis is line[0] else "")
            axis.set_yticks(range(len(found)), list(found) if axis is line[0] else [""] * len(found))
            axis.axvline(np.nanmean(found[SHARED][quantity]), color="#999999", linewidth=0.8, linestyle="--")
            axis.grid(axis="x", alpha=0.3)
    drawn.savefig(file, dpi=100)
    plt.close(drawn)


def _mark(axis, place: int, numbers: Sequence[float], color: str) -> None:
    """Draws one setting: every seed's number, their mean, and its interval; nothing without finite numbers."""
    known = [number for number in numbers if np.isfinite(number)]
    if known:
        axis.scatter(known, [place] * len(known), color=color, s=10, alpha=0.35, linewidths=0)
        axis.hlines(place, *studies.interval(known), color=color, linewidth=3)
        axis.scatter([np.mean(known)], [place], color=color, s=36, zorder=3)


if __name__ == "__main__":
    main()
