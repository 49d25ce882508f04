"""Why does PPO with a shared torso fail where separate torsos succeed? README.md has question, figure and finding.

python experiments/shared_or_separate/study.py [--folder runs/studies]     trains, or goes on; then the tables
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))

import numpy as np
import studies
from benchmarks.printing import markdown

from rl.commands.restoring import load_config
from rl.reports.pyplot import pyplot
from rl.runs.reader import LAST_RETURN, RecordedRun

SEEDS = 20
ENVIRONMENTS = {
    "cartpole": (),
    "acrobot": (),
    "mountain_car": ("normalize.observations=true",),  # speeds are below 0.07: as they are, no run ever saw the goal
}
PLAIN = ("experiment=cleanrl", "num_envs=8", "agent.value_loss=squared", "steps=500_000", "threads=2")
QUIET = ("evaluation.every_steps=1_000_000_000", "checkpoint.every_steps=1_000_000_000")
COMBINERS = ("sum", "pcgrad", "imtl_g", "config")
COEFFICIENTS = (0.5, 0.05)
REWARDS = {
    "1": ("normalize.rewards=false",),
    "0.1": ("normalize.rewards=false", "normalize.reward_scale=0.1"),
    "unit variance": ("normalize.rewards=true",),
}


class Variant(NamedTuple):
    """What carries the two heads, what moves it, and what else was changed."""

    torso: str
    combiner: str
    change: str = ""
    overrides: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of its folder."""
        first = self.combiner if self.torso == "shared" else self.torso
        return "_".join([first, *self.change.split()])

    @property
    def settings(self) -> tuple[str, ...]:
        """Overrides."""
        return f"network.shared={self.torso == 'shared'}".lower(), f"combiner={self.combiner}", *self.overrides


VARIANTS = (Variant("separate", "sum"), *(Variant("shared", combiner) for combiner in COMBINERS))
FAST_HEADS = ("optimizer.head_learning_rate=0.0025",)  # ten times the torso's
CONTROLS = (  # with rewards as they are: one suspected cause each, taken away
    Variant("separate", "sum", "no clip", ("optimizer.clip_norm=null",)),
    Variant("separate", "sum", "fast heads", FAST_HEADS),
    Variant("shared", "policy_only"),
    Variant("shared", "sum", "fast heads", FAST_HEADS),
    Variant("shared", "sum", "layer norm", ("network.torso.layer_norm=true",)),
    Variant("shared", "sum", "relu", ("network.torso.activation=relu",)),
)


class Setting(NamedTuple):
    """One cell of the table."""

    environment: str
    rewards: str
    coefficient: float
    variant: Variant

    @property
    def name(self) -> str:
        """Of its folder, below the study's."""
        place = f"{self.environment}/value {self.coefficient}, rewards {self.rewards}"
        return f"{place}/{self.variant.name}".replace(" ", "_").replace(",", "").replace("×", "x")

    @property
    def overrides(self) -> tuple[str, ...]:
        """Of scripts/train.py."""
        base = (f"environment=compiled/{self.environment}", *ENVIRONMENTS[self.environment], *PLAIN, *QUIET)
        return *base, *REWARDS[self.rewards], f"agent.coefficients.value={self.coefficient}", *self.variant.settings


def settings(environment: str) -> list[Setting]:
    """Separate torsos, and a shared one with each combiner, with every scale of the two losses; then the controls."""
    found = []
    for rewards in REWARDS:
        for coefficient in COEFFICIENTS if rewards != "unit variance" else COEFFICIENTS[:1]:
            variants = (*VARIANTS, *CONTROLS) if (rewards, coefficient) == ("1", COEFFICIENTS[0]) else VARIANTS
            found += [Setting(environment, rewards, coefficient, variant) for variant in variants]
    return found


ROWS = {
    "ratio": "gradient/norm_ratio/value-policy",
    "cosine": "gradient/cosine/policy-value",
    "conflict": "gradient/conflict/policy-value",
    "policy_share": "update/share/policy",
    "value_share": "update/share/value",
    "policy_step_cosine": "update/cosine/policy-applied",
    "value_step_cosine": "update/cosine/value-applied",
}


def main() -> None:
    """Trains what is not there yet, and writes data and figure."""
    arguments = studies.arguments(__doc__, list(ENVIRONMENTS))
    folder = arguments.folder / "shared_or_separate"
    for environment in arguments.only:
        overrides = {setting.name: setting.overrides for setting in settings(environment)}
        studies.train_settings(overrides, folder, seeds=SEEDS)
    rows = [row for environment in arguments.only for row in measured(folder, settings(environment))]
    studies.write_csv(HERE / "data.csv", rows)
    print(f"\n{LAST_RETURN.capitalize()}, {SEEDS} seeds:\n\n{returns_table(rows)}")
    for environment in arguments.only:
        print(f"\n{environment}, {SEEDS} seeds:\n\n{table([row for row in rows if row['environment'] == environment])}")
    figure(rows, HERE / "figure.png")


def measured(folder: Path, these: Sequence[Setting]) -> list[dict[str, object]]:
    """What every run left, a row each; the ratio is that of the rows as they enter the sum, with their coefficients."""
    rows = []
    for setting in these:
        variant, shared = setting.variant, setting.variant.torso == "shared"
        for run in studies.runs_of(folder, setting.name, seeds=SEEDS):
            row = {
                "environment": setting.environment,
                "torso": variant.torso,
                "combiner": variant.combiner,
                "change": variant.change,
                "value_coefficient": setting.coefficient,
                "rewards": setting.rewards,
                "seed": run.summary["seed"],
                "training_return": run.metrics.last_return(),
                "greedy_return": run.summary["evaluation"]["mean"],
                "explained_variance": run.metrics.typical("value/explained_variance"),
                "clip_ratio": run.metrics.typical("update/clip_ratio"),
                "saturated": saturated(run, "torso" if shared else "policy_torso"),
                "saturated_of_value": "" if shared else saturated(run, "value_torso"),
            }
            found = {key: run.metrics.typical(tag) for key, tag in ROWS.items() if shared}
            weighted = {"weighted_ratio": found["ratio"] * setting.coefficient} if shared else {}
            rows.append({**row, **dict.fromkeys((*ROWS, "weighted_ratio"), ""), **found, **weighted})
    return rows


def saturated(run: RecordedRun, torso: str) -> float | str:
    """The share of the last layer's tanh units beyond ±0.99, where their slope is below 0.02.

    Over the states in which the run's environments stood when training ended, and with the weights of that moment.
    Empty for other units than tanh.
    """
    if load_config(run.path).network.torso.activation != "tanh":
        return ""
    arrays = run.newest_arrays()
    features, count = arrays["observation"], arrays["normalizer/observation/count"]
    if count:
        scale = np.sqrt(arrays["normalizer/observation/m2"] / count + 1e-8)
        features = (features - arrays["normalizer/observation/mean"]) / scale
    for layer in range(2):
        features = features @ arrays[f"{torso}/dense_{layer}/kernel"] + arrays[f"{torso}/dense_{layer}/bias"]
        if f"{torso}/norm_{layer}/gamma" in arrays:
            features = (features - features.mean(-1, keepdims=True)) / np.sqrt(features.var(-1, keepdims=True) + 1e-3)
            features = features * arrays[f"{torso}/norm_{layer}/gamma"] + arrays[f"{torso}/norm_{layer}/beta"]
        features = np.tanh(features)
    return float(np.mean(np.abs(features) > 0.99))


def of_settings(rows: list[dict[str, object]]) -> dict[tuple, list[dict[str, object]]]:
    """{(torso, combiner, change, value coefficient, rewards): rows of its seeds}."""
    found: dict[tuple, list[dict[str, object]]] = {}
    for row in rows:
        key = tuple(row[name] for name in ("torso", "combiner", "change", "value_coefficient", "rewards"))
        found.setdefault(key, []).append(row)
    return found


def returns_table(rows: list[dict[str, object]]) -> str:
    """A row a setting, a column an environment: means over seeds with 95 % bootstrap intervals."""
    environments = list(dict.fromkeys(row["environment"] for row in rows))
    by = {name: of_settings([row for row in rows if row["environment"] == name]) for name in environments}
    lines = []
    for setting in by[environments[0]]:
        cells = [studies.with_interval([row["training_return"] for row in by[name][setting]]) for name in environments]
        lines.append([*_words(*setting), *cells])
    return markdown([*SETTING_WORDS, *environments], lines)


SETTING_WORDS = ["rewards", "value coefficient", "torso", "combiner"]


def _words(torso: str, combiner: str, change: str, coefficient: float, rewards: str) -> list[str]:
    """A setting's cells in the tables."""
    return [
        rewards,
        str(coefficient),
        ", ".join(filter(None, (torso, change))),
        f"`{combiner}`" if torso == "shared" else "–",
    ]


def table(rows: list[dict[str, object]]) -> str:
    """The table of one environment: returns with 95 % bootstrap intervals, medians over seeds of everything else."""
    header = [*SETTING_WORDS, LAST_RETURN, "greedy"]
    header += [
        "explained variance",
        "saturated units",
        "of a value torso",
        "c·value row / policy row",
        "cosine",
        "value's share of the step",
    ]
    header += ["−Δw's cosine with the policy's row", "with the value's", "left by the clip"]
    lines = []
    for setting, seeds in of_settings(rows).items():
        line = _words(*setting)
        line += [studies.with_interval([row[key] for row in seeds]) for key in ("training_return", "greedy_return")]
        line += [_middle(seeds, "explained_variance", ".2f")]
        line += [_middle(seeds, key, ".0%") for key in ("saturated", "saturated_of_value")]
        for key in ("weighted_ratio", "cosine", "value_share", "policy_step_cosine", "value_step_cosine"):
            line.append(_middle(seeds, key, ".3g"))
        lines.append([*line, _middle(seeds, "clip_ratio", ".1%")])
    return markdown(header, lines)


def _middle(seeds: list[dict[str, object]], key: str, form: str) -> str:
    known = [row[key] for row in seeds if row[key] != ""]
    return f"{np.median(known):{form}}" if known else "–"


MARKERS = {"sum": "o", "pcgrad": "s", "imtl_g": "^", "config": "D", "policy_only": "*"}
CHANGED = {"no clip": "v", "fast heads": ">", "layer norm": "P", "relu": "X"}
COLORS = {"1": "#ee6677", "0.1": "#4477aa", "unit variance": "#228833"}


def _style(torso: str, combiner: str, change: str, rewards: str) -> dict[str, object]:
    """Colour: rewards, or black for a control; marker: combiner or control; hollow: separate torsos."""
    color = "#222222" if change else COLORS[rewards]
    fill = {"facecolors": "none", "edgecolors": color} if torso == "separate" else {"color": color, "linewidths": 0}
    return {"marker": CHANGED.get(change, MARKERS[combiner]), "s": 20, "alpha": 0.6, **fill}


def figure(rows: list[dict[str, object]], file: Path) -> None:
    """Return against the ratio of the rows and against saturation: a point a seed, a column an environment."""
    plt = pyplot()
    environments = list(dict.fromkeys(row["environment"] for row in rows))
    panels, axes = plt.subplots(2, len(environments), figsize=(5.6 * len(environments), 8.6), squeeze=False)
    styles: dict[str, dict] = {}
    for (above, below), environment in zip(axes.T, environments, strict=True):
        here = of_settings([row for row in rows if row["environment"] == environment])
        for (torso, combiner, change, _, rewards), seeds in here.items():
            returns = [row["training_return"] for row in seeds]
            style = _style(torso, combiner, change, rewards)
            if torso == "shared":
                above.scatter([row["weighted_ratio"] for row in seeds], returns, **style)
            if change != "relu":
                below.scatter([row["saturated"] for row in seeds], returns, **style)
            styles[_label(torso, combiner, change, rewards)] = style
        above.set(xscale="log", title=environment, xlabel="c · value row / policy row (median over training)")
        below.set(xlabel="saturated units of the policy's torso at the end", xlim=(-0.03, 1.03))
        for axis in (above, below):
            axis.grid(alpha=0.3)
            axis.set_ylabel(LAST_RETURN)
    handles = [plt.scatter([], [], label=label, **style) for label, style in styles.items()]
    panels.legend(handles=handles, loc="lower center", ncols=4, fontsize=8)
    panels.tight_layout(rect=(0, 0.12, 1, 1))
    panels.savefig(file, dpi=110)
    plt.close(panels)


def _label(torso: str, combiner: str, change: str, rewards: str) -> str:
    what = torso if torso == "separate" else f"shared, {combiner}"
    return f"{what}, {change}" if change else f"{what}, rewards {rewards}"


if __name__ == "__main__":
    main()
