"""How old may the policy be that acts, with V-trace and without? README.md has question, figure and finding.

python experiments/acting_with_an_old_policy/study.py [--folder runs/studies]     trains, or goes on; then the table
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
AGES = (1, 4, 16, 64, 256)
"""Updates from one copy of the policy that acts to the next: it is 0 to age − 1 updates old."""
BASE = (
    "agent=impala",
    "environment=compiled/cartpole",
    "steps=500_000",
    "optimizer.learning_rate=1e-3",
    "probe.names=[norms,cosines,staleness,drift]",
    "probe.every_steps=1",
    "probe.every_iterations=9",  # no divisor of an age, so that copies of all ages are probed
    "evaluation.every_steps=1_000_000_000",
    "checkpoint.every_steps=1_000_000_000",
)
MEASURED = {
    "age": "frozen/behaviour/age",
    "kl": "frozen/behaviour/kl",
    "policy_cosine": "gradient/stale/behaviour/policy/cosine",
    "value_cosine": "gradient/stale/behaviour/value/cosine",
}


class Setting(NamedTuple):
    """The interval between two copies, and whether V-trace corrects for their age."""

    age: int
    corrected: bool

    @property
    def name(self) -> str:
        """The name of the setting's folder, below that of the study."""
        return f"cartpole/age_{self.age}_{'vtrace' if self.corrected else 'uncorrected'}"

    @property
    def overrides(self) -> tuple[str, ...]:
        """The overrides that scripts/train.py gets for this setting."""
        return *BASE, f"frozen.behaviour.every_updates={self.age}", f"agent.correction={str(self.corrected).lower()}"


SETTINGS = tuple(Setting(age, corrected) for age in AGES for corrected in (True, False))


def main() -> None:
    """Trains what is not there yet, and writes data and figure."""
    folder = studies.arguments(__doc__, ["cartpole"]).folder / "acting_with_an_old_policy"
    studies.train_settings({setting.name: setting.overrides for setting in SETTINGS}, folder, seeds=SEEDS)
    rows = measured(folder)
    studies.write_csv(HERE / "data.csv", rows)
    print(f"\n{SEEDS} seeds:\n\n{table(rows)}")
    figure(rows, HERE / "figure.png")


def measured(folder: Path) -> list[dict[str, object]]:
    """The measurements of every run: returns, and means over training of what the probes found."""
    return [
        {
            "every_updates": setting.age,
            "vtrace": setting.corrected,
            "seed": run.summary["seed"],
            "training_return": run.metrics.last_return(),
            "greedy_return": run.summary["evaluation"]["mean"],
            **{name: float(np.nanmean(run.metrics.column(tag))) for name, tag in MEASURED.items()},
        }
        for setting in SETTINGS
        for run in studies.runs_of(folder, setting.name, seeds=SEEDS)
    ]


def of_settings(rows: Sequence[Mapping]) -> dict[Setting, list[Mapping]]:
    """{setting: the rows of its seeds}."""
    return {
        setting: [row for row in rows if (row["every_updates"], row["vtrace"]) == setting]
        for setting in dict.fromkeys(Setting(row["every_updates"], row["vtrace"]) for row in rows)
    }


def table(rows: Sequence[Mapping]) -> str:
    """Returns with 95 % bootstrap intervals; means over training and seeds of everything else."""
    lines = []
    for setting, seeds in of_settings(rows).items():
        line = [str(setting.age), "V-trace" if setting.corrected else "none"]
        line += [studies.with_interval([row[key] for row in seeds]) for key in ("training_return", "greedy_return")]
        forms = {"age": ".1f", "kl": ".2g", "policy_cosine": ".3f", "value_cosine": ".3f"}
        lines.append([*line, *(f"{np.mean([row[key] for row in seeds]):{form}}" for key, form in forms.items())])
    header = ["updates between copies", "correction", LAST_RETURN, "greedy", "mean age", "KL(copy, live)"]
    return markdown([*header, "policy's row at the copy: cosine", "value's row at the copy: cosine"], lines)


def figure(rows: Sequence[Mapping], file: Path) -> None:
    """The return, and the stale rows' cosines, against the interval between two copies; bars are 95 % intervals."""
    plt = pyplot()
    drawn, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    found = of_settings(rows)
    for corrected, color in ((True, "#4477aa"), (False, "#ee6677")):
        label = "V-trace" if corrected else "no correction"
        own = {setting.age: seeds for setting, seeds in found.items() if setting.corrected == corrected}
        _line(left, {age: [row["training_return"] for row in seeds] for age, seeds in own.items()}, label, color, "-")
        for key, style in (("policy_cosine", "-"), ("value_cosine", "--")):
            cosines = {age: [row[key] for row in seeds] for age, seeds in own.items()}
            _line(right, cosines, f"{key.split('_', 1)[0]}'s row, {label}", color, style)
    for axis, label in ((left, LAST_RETURN), (right, "cosine of the row at the copy with the live row")):
        axis.set(xscale="log", xlabel="updates between two copies of the policy that acts", ylabel=label)
        axis.set_xticks(AGES, AGES)
        axis.minorticks_off()
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    drawn.savefig(file, dpi=110)
    plt.close(drawn)


def _line(axis, numbers: Mapping[int, Sequence[float]], label: str, color: str, style: str) -> None:
    """Means over seeds with their intervals."""
    means = [np.mean(own) for own in numbers.values()]
    low, high = zip(*(studies.interval(own) for own in numbers.values()), strict=True)
    around = [np.subtract(means, low), np.subtract(high, means)]
    axis.errorbar(list(numbers), means, around, label=label, color=color, linestyle=style, marker="o", capsize=3)


if __name__ == "__main__":
    main()
