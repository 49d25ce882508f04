"""Does the actor's gradient spoil the encoder that it shares with the critics? README.md has question, figure, finding.

python experiments/does_the_actor_spoil_the_encoder/study.py [--folder runs/studies] [--only swing_up reacher]
trains every setting with ten seeds in one program, or goes on where it was stopped; then it prints the tables.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))

import numpy as np
import studies
from benchmarks.printing import markdown

from rl.reports.pyplot import pyplot
from rl.runs.reader import LAST_RETURN

SEEDS = 10
BASE = (
    "agent=sac",
    "num_envs=1",
    "steps=20_000",
    "agent.batch_size=64",
    "agent.critic_widths=[128,128]",
    "network.shared=true",
    "replay.capacity=20_000",
    "probe.names=[norms,cosines,cross_batch,noise,representation,drift]",
    "evaluation.every_steps=1_000_000_000",
    "evaluation.episodes=20",
    "checkpoint.every_steps=5_000",
    "checkpoint.keep=1",
)
ENVIRONMENTS = {
    "swing_up": ("environment=compiled/cartpole_swing_up", "network.torso.widths=[128,128]"),
    "reacher": ("environment=compiled/reacher", "network=pixels", "network.shared=true", "steps=12_000"),
}
ACTORS = {
    "stopped": ("agent.detach_policy=true",),
    "sum": ("combiner=sum",),
    "pcgrad": ("combiner=pcgrad",),
    "upgrad": ("combiner=upgrad",),
    "imtl_g": ("combiner=imtl_g",),
    "config": ("combiner=config",),
    "policy_only": ("combiner=policy_only",),
    "slow_actor": ("+optimizer.rates.policy=0.1",),
}
"""{what becomes of the actor's gradient on the encoder: overrides}."""
MEASURED = {
    "norm_ratio": "gradient/norm_ratio/policy-q_0",
    "cosine": "gradient/cosine/q_0-policy",
    "cosine_across_halves": "gradient/cross_batch/q_0-policy",
    "critics_cosine_across_halves": "gradient/cross_batch/q_0-q_1",
    "critic_noise_scale": "gradient/noise_scale/q_0",
    "actor_noise_scale": "gradient/noise_scale/policy",
    "effective_rank": "representation/effective_rank/torso",
}
"""{column: tag}, medians over training; the actor's are missing where its gradient is stopped."""
FORMS = {"norm_ratio": ".2g", "critic_noise_scale": ",.0f", "actor_noise_scale": ",.0f", "effective_rank": ".1f"}
"""{column: format}; the others are cosines."""


class Setting(NamedTuple):
    """What becomes of the actor's gradient, in an environment."""

    environment: str
    actor: str

    @property
    def name(self) -> str:
        """The name of the setting's folder, below that of the study."""
        return f"{self.environment}/{self.actor}"

    @property
    def overrides(self) -> tuple[str, ...]:
        """The overrides that scripts/train.py gets for this setting."""
        return *BASE, *ENVIRONMENTS[self.environment], *ACTORS[self.actor]


def main() -> None:
    """Trains what is not there yet, and writes data, and the figure once all environments are in them."""
    arguments = studies.arguments(__doc__, list(ENVIRONMENTS))
    folder = arguments.folder / HERE.name
    settings = [Setting(environment, actor) for actor in ACTORS for environment in arguments.only]
    studies.train_settings({setting.name: setting.overrides for setting in settings}, folder, seeds=SEEDS)
    rows = [row for setting in settings for row in measured(setting, folder)]
    known = studies.add_to_csv(HERE / "data.csv", rows, by="environment")
    if {row["environment"] for row in known} == set(ENVIRONMENTS):
        figure(known, HERE / "figure.png")
    for environment in arguments.only:
        own = [row for row in rows if row["environment"] == environment]
        print(f"\n{environment}, {SEEDS} seeds:\n\n{table(own)}")


def measured(setting: Setting, folder: Path) -> list[dict[str, object]]:
    """The measurements of every run: returns, and medians over training of what the probes found."""
    return [
        {
            "environment": setting.environment,
            "actor": setting.actor,
            "seed": run.summary["seed"],
            "training_return": run.metrics.last_return(),
            "greedy_return": run.summary["evaluation"]["mean"],
            **{name: _median(run, tag) for name, tag in MEASURED.items()},
        }
        for run in studies.runs_of(folder, setting.name, seeds=SEEDS)
    ]


def _median(run, tag: str) -> float:
    """The median of a tag over training; NaN where the run has none of it."""
    column = run.metrics.columns.get(tag, np.full(1, np.nan))
    return float(np.nanmedian(column)) if np.isfinite(column).any() else float("nan")


def of_actors(rows: Sequence[Mapping]) -> dict[str, list[Mapping]]:
    """{what becomes of the actor's gradient: the rows of its seeds}, of one environment."""
    return {actor: [row for row in rows if row["actor"] == actor] for actor in ACTORS}


def table(rows: Sequence[Mapping]) -> str:
    """Returns, and their differences to the stopped gradient, with 95 % bootstrap intervals; means of the rest."""
    found, lines = of_actors(rows), []
    for actor, seeds in found.items():
        line = [f"`{actor}`", *(studies.with_interval([row[key] for row in seeds]) for key in RETURNS)]
        away = [[row["greedy_return"] for row in one] for one in (seeds, found["stopped"])]
        mean, low, high = studies.difference(*away)
        line.append("–" if actor == "stopped" else f"{mean:+.1f} ({low:+.1f} to {high:+.1f})")
        means = {name: np.mean([row[name] for row in seeds]) for name in MEASURED}
        known = {name: np.isfinite(x) for name, x in means.items()}  # a stopped gradient has no row
        lines.append([*line, *(f"{x:{FORMS.get(name, '.2f')}}" if known[name] else "–" for name, x in means.items())])
    header = ["actor's gradient", LAST_RETURN, "greedy return", "greedy − `stopped`"]
    return markdown([*header, *(name.replace("_", " ") for name in MEASURED)], lines)


RETURNS = ("training_return", "greedy_return")


def figure(rows: Sequence[Mapping], file: Path) -> None:
    """Returns above, the cosine of the actor's row with a critic's across halves below; bars are 95 % intervals."""
    plt = pyplot()
    drawn, axes = plt.subplots(2, len(ENVIRONMENTS), figsize=(12, 7), layout="constrained", sharex="col")
    for (above, below), environment in zip(axes.T, ENVIRONMENTS, strict=True):
        found = of_actors([row for row in rows if row["environment"] == environment])
        for key, color, shift in (("greedy_return", "#4477aa", -0.12), ("training_return", "#ccbb44", 0.12)):
            _bars(above, found, key, color, shift, {"greedy_return": "greedy"}.get(key, LAST_RETURN))
        for key, color, shift in (("cosine", "#ee6677", -0.12), ("cosine_across_halves", "#228833", 0.12)):
            label = "same minibatch" if key == "cosine" else "halves without a common sample"
            _bars(below, found, key, color, shift, label)
        above.set(title=environment.replace("_", "-"), ylabel="return")
        below.set(ylabel="cosine of the actor's and a critic's rows")
        below.axhline(0.0, color="black", linewidth=0.8)
        below.set_xticks(range(len(ACTORS)), ACTORS, rotation=30)
        for axis in (above, below):
            axis.margins(y=0.25)  # room for the legend
            axis.grid(alpha=0.3)
            axis.legend(fontsize=8)
    drawn.savefig(file, dpi=110)
    plt.close(drawn)


def _bars(axis, found: Mapping[str, Sequence[Mapping]], key: str, color: str, shift: float, label: str) -> None:
    """Means over seeds with their intervals, one for each setting that has the measurement."""
    for place, seeds in enumerate(found.values()):
        numbers = [row[key] for row in seeds]
        if np.isfinite(numbers).all():
            mean, (low, high) = np.mean(numbers), studies.interval(numbers)
            shown = {"label": label} if place == len(found) - 1 else {}
            axis.errorbar(place + shift, mean, [[mean - low], [high - mean]], fmt="o", color=color, capsize=3, **shown)


if __name__ == "__main__":
    main()
