"""The study's heads one by one: a learning rate, a scale or a bias for one of them. README.md has the finding.

python experiments/shared_or_separate/heads.py [--folder runs/studies]     trains or resumes, then prints the tables
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import study
from benchmarks.printing import markdown
from study import ENVIRONMENTS, HERE, SEEDS, Setting, Variant, studies

from rl.reports.pyplot import pyplot

Rows = list[dict[str, object]]

TARGETS_LEVEL = {"cartpole": 60, "acrobot": -60, "mountain_car": -60}  # targets go from 0 to ±100
FASTER = {
    f"{head} head ×{factor}": (f"+optimizer.rates.{head}={factor}",)
    for head, factor in (("value", 10), ("value", 30), ("value", 100), ("policy", 10))
}
TEN = "value head ×10"
WORDS = ("environment", "torso", "combiner", "change", "rewards")
"""Columns of the data that are not numbers."""

SUM, PCGRAD, CONFIG = (("shared", combiner, "") for combiner in ("sum", "pcgrad", "config"))
SEPARATE = ("separate", "sum", "")
CONTROLS = (SEPARATE, ("separate", "sum", "fast heads"), SUM, PCGRAD, CONFIG, ("shared", "sum", "fast heads"))
"""(torso, combiner, change) of the settings of study.py that are shown again, from data.csv."""

COMPARED = (
    (("shared", "sum", TEN), SUM),
    (("shared", "sum", "policy head ×10"), SUM),
    (("shared", "sum", "fast heads"), ("shared", "sum", TEN)),
    (("shared", "sum", "value head ×30"), ("shared", "sum", TEN)),
    (("shared", "sum", "value head ×100"), ("shared", "sum", "value head ×30")),
    (PCGRAD, SUM),
    (("shared", "pcgrad", TEN), PCGRAD),
    (("shared", "pcgrad", TEN), ("shared", "sum", TEN)),
    (CONFIG, SUM),
    (CONFIG, ("shared", "sum", TEN)),
    (("shared", "config", TEN), CONFIG),
    (("shared", "config", TEN), ("shared", "sum", TEN)),
    (("shared", "pcgrad", TEN), ("shared", "sum", "value head ×100")),
    (("shared", "config", TEN), ("shared", "sum", "value head ×100")),
    (("shared", "sum", "value gain ×10"), SUM),
    (("shared", "sum", "value gain ×0.1"), SUM),
    (("shared", "sum", "value bias at targets"), SUM),
    (("separate", "sum", TEN), SEPARATE),
    (("separate", "sum", TEN), ("separate", "sum", "fast heads")),
    (("separate", "sum", TEN), ("shared", "pcgrad", TEN)),
    (("separate", "sum", TEN), ("shared", "config", TEN)),
)
"""Pairs of settings; the mean of the second is subtracted from that of the first."""


def variants(environment: str) -> list[Variant]:
    """Variants with one changed head, alone and with a combiner; both heads together are controls of study.py."""
    start = {
        "value gain ×10": ("network.value_gain=10",),
        "value gain ×0.1": ("network.value_gain=0.1",),
        "value bias at targets": (f"network.value_bias={TARGETS_LEVEL[environment]}",),
    }
    return [
        *(Variant("shared", "sum", change, overrides) for change, overrides in (FASTER | start).items()),
        *(Variant("shared", combiner, TEN, FASTER[TEN]) for combiner in ("pcgrad", "config")),
        Variant("separate", "sum", TEN, FASTER[TEN]),
    ]


def settings(environment: str) -> list[Setting]:
    """The settings of the variants, with unscaled rewards and value coefficient 0.5, as those of the controls."""
    return [Setting(environment, "1", 0.5, variant) for variant in variants(environment)]


def main() -> None:
    """Trains the runs that are missing, prints the tables, and writes data and figure."""
    arguments = studies.arguments(__doc__, list(ENVIRONMENTS))
    folder, rows = arguments.folder / "shared_or_separate", []
    for environment in arguments.only:
        these = settings(environment)
        studies.train_settings({setting.name: setting.overrides for setting in these}, folder, seeds=SEEDS)
        rows += study.measured(folder, these)
    studies.write_csv(HERE / "heads.csv", rows)
    everything = [*controls(HERE / "data.csv", arguments.only), *rows]
    print(f"\nReturn in the last 5 % of training, {SEEDS} seeds:\n\n{study.returns_table(everything)}")
    print(f"\nDifferences of those means:\n\n{differences(everything, 'training_return', '+.1f')}")
    print(f"\nDifferences of the share of saturated units:\n\n{differences(everything, 'saturated', '+.2f')}")
    for environment in arguments.only:
        here = [row for row in everything if row["environment"] == environment]
        print(f"\n{environment}, {SEEDS} seeds:\n\n{study.table(here)}")
    figure(everything, HERE / "heads.png")


def controls(file: Path, environments: Sequence[str]) -> Rows:
    """The lines of `CONTROLS` with unscaled rewards and value coefficient 0.5, from the study's data."""
    with file.open(newline="") as handle:
        rows = [_read(row) for row in csv.DictReader(handle)]
    rows = [row for row in rows if (row["rewards"], row["value_coefficient"]) == ("1", 0.5)]
    wanted = [(environment, variant) for environment in environments for variant in CONTROLS]
    return [row for place in wanted for row in rows if (row["environment"], _variant(row)) == place]


def _read(row: Mapping[str, str]) -> dict[str, object]:
    return {key: text if key in WORDS or not text else float(text) for key, text in row.items()}


def _variant(row: Mapping[str, object]) -> tuple:
    return row["torso"], row["combiner"], row["change"]


def _by_variant(rows: Rows, environment: str, key: str) -> dict[tuple, list[float]]:
    """{(torso, combiner, change): the values of a column, one a seed}."""
    found: dict[tuple, list[float]] = {}
    for row in rows:
        if row["environment"] == environment:
            found.setdefault(_variant(row), []).append(row[key])
    return found


def differences(rows: Rows, key: str, form: str) -> str:
    """The table of differences of `COMPARED`, with 95 % bootstrap intervals; in brackets where they contain 0."""
    environments = list(dict.fromkeys(row["environment"] for row in rows))
    found = {name: _by_variant(rows, name, key) for name in environments}
    lines = [
        [
            _label(one),
            _label(other),
            *(_difference(found[name][one], found[name][other], form) for name in environments),
        ]
        for one, other in COMPARED
    ]
    return markdown(["setting", "minus", *environments], lines)


def _difference(one: Sequence[float], other: Sequence[float], form: str) -> str:
    mean, low, high = studies.difference(one, other)
    text = f"{mean:{form}} ({low:{form}} to {high:{form}})"
    return f"[{text}]" if low <= 0 <= high else text


def _label(variant: tuple) -> str:
    torso, combiner, change = variant
    return ", ".join(filter(None, (torso if torso == "separate" else combiner, change)))


def figure(rows: Rows, file: Path) -> None:
    """Draws return and saturation by setting: a dot a seed, a bar an interval of the mean."""
    plt = pyplot()
    environments = list(dict.fromkeys(row["environment"] for row in rows))
    order = list(dict.fromkeys(_variant(row) for row in rows))
    panels, axes = plt.subplots(1, 2 * len(environments), figsize=(5.2 * len(environments), 6.2), sharey=True)
    for place, environment in enumerate(environments):
        left, right = axes[2 * place], axes[2 * place + 1]
        _strip(left, _by_variant(rows, environment, "training_return"), order)
        _strip(right, _by_variant(rows, environment, "saturated"), order)
        left.set(title=environment, xlabel="return, last 5 %")
        right.set(title=environment, xlabel="saturated units", xlim=(-0.05, 1.05))
    axes[0].set_yticks(range(len(order)), [_label(variant) for variant in order])
    axes[0].invert_yaxis()
    panels.tight_layout()
    panels.savefig(file, dpi=110)
    plt.close(panels)


def _strip(axis, numbers: Mapping[tuple, Sequence[float]], order: Sequence[tuple]) -> None:
    for place, variant in enumerate(order):
        found, color = numbers[variant], "#888888" if variant in CONTROLS else "#4477aa"
        heights = place + np.linspace(-0.25, 0.25, len(found))
        axis.scatter(found, heights, s=9, alpha=0.5, linewidths=0, color=color)
        axis.plot(studies.interval(found), (place, place), color="#bb2233", linewidth=3, solid_capstyle="butt")
        axis.plot(np.mean(found), place, "|", color="#bb2233", markersize=11)
    axis.grid(alpha=0.3)


if __name__ == "__main__":
    main()
