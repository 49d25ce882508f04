"""Why does PPO with a shared torso fail where separate torsos succeed? README.md has question, figure and finding.

python experiments/shared_or_separate/study.py [--folder runs/studies]     trains, or goes on; then the tables
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))

import numpy as np
import studies
from benchmarks.printing import markdown
from inspection.figures import pyplot

SEEDS = 20
ENVIRONMENTS = ("cartpole", "acrobot", "mountain_car")
PLAIN = ("experiment=cleanrl", "num_envs=8", "agent.value_loss=squared", "steps=500_000", "threads=2")
QUIET = ("evaluation.every_steps=1_000_000_000", "checkpoint.every_steps=1_000_000_000")
COMBINERS = ("sum", "pcgrad", "imtl_g", "config")
COEFFICIENTS = (0.5, 0.05)
REWARDS = {
    "1": ("normalize.rewards=false",),
    "0.1": ("normalize.rewards=false", "normalize.reward_scale=0.1"),
    "unit variance": ("normalize.rewards=true",),
}


def settings(environment: str) -> dict[str, tuple[str, ...]]:
    """{name: overrides}: separate torsos, and a shared one with each combiner."""
    found = {}
    for rewards, of_rewards in REWARDS.items():
        for coefficient in COEFFICIENTS if rewards != "unit variance" else COEFFICIENTS[:1]:
            base = (f"environment=compiled/{environment}", *PLAIN, *QUIET, *of_rewards)
            base += (f"agent.coefficients.value={coefficient}",)
            place = f"{environment}/value {coefficient}, rewards {rewards}".replace(" ", "_").replace(",", "")
            found[f"{place}/separate"] = (*base, "network.shared=false")
            for combiner in COMBINERS:
                found[f"{place}/{combiner}"] = (*base, "network.shared=true", f"combiner={combiner}")
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("runs/studies"), help="where the runs are kept")
    parser.add_argument("--only", nargs="*", choices=ENVIRONMENTS, default=ENVIRONMENTS, help="environments (all)")
    arguments = parser.parse_args()
    folder = arguments.folder / "shared_or_separate"
    for environment in arguments.only:
        studies.train_settings(settings(environment), folder, seeds=SEEDS)
    rows = [row for environment in arguments.only for row in measured(folder, environment)]
    studies.write_csv(HERE / "data.csv", rows)
    for environment in arguments.only:
        print(f"\n{environment}, {SEEDS} seeds:\n\n{table([row for row in rows if row['environment'] == environment])}")
    figure(rows, HERE / "figure.png")


def measured(folder: Path, environment: str) -> list[dict[str, object]]:
    """What every run left, a row each; the ratio is that of the rows as they enter the sum, with their coefficients."""
    rows = []
    for name in settings(environment):
        _, setting, torso = name.split("/")
        _, coefficient, _, *rewards = setting.split("_")
        for run in studies.runs_of(folder, name, seeds=SEEDS):
            row = {
                "environment": environment,
                "torso": "separate" if torso == "separate" else "shared",
                "combiner": "sum" if torso == "separate" else torso,
                "value_coefficient": float(coefficient),
                "rewards": " ".join(rewards),
                "seed": int(run.name.split("=")[1]),
                "training_return": studies.last_returns(run),
                "greedy_return": studies.summary(run)["evaluation"]["mean"],
            }
            found = {key: studies.typical(run, tag) for key, tag in ROWS.items() if torso != "separate"}
            weighted = {"weighted_ratio": found["ratio"] * float(coefficient)} if found else {}
            rows.append({**row, **dict.fromkeys((*ROWS, "weighted_ratio"), ""), **found, **weighted})
    return rows


def of_settings(rows: list[dict[str, object]]) -> dict[tuple, list[dict[str, object]]]:
    """{(torso, combiner, value coefficient, rewards): rows of its seeds}."""
    found: dict[tuple, list[dict[str, object]]] = {}
    for row in rows:
        key = row["torso"], row["combiner"], row["value_coefficient"], row["rewards"]
        found.setdefault(key, []).append(row)
    return found


def table(rows: list[dict[str, object]]) -> str:
    """Means over seeds with 95 % bootstrap intervals, medians of what the rows say."""
    header = ["rewards", "value coefficient", "torso", "combiner", "return in the last 5 % of training", "greedy"]
    header += ["c·value row / policy row", "cosine", "conflict", "value's share of the step"]
    header += ["−Δw's cosine with the policy's row", "with the value's"]
    lines = []
    for (torso, combiner, coefficient, rewards), seeds in of_settings(rows).items():
        line = [rewards, str(coefficient), torso, f"`{combiner}`" if torso == "shared" else "–"]
        line += [studies.with_interval([row[key] for row in seeds]) for key in ("training_return", "greedy_return")]
        for key in ("weighted_ratio", "cosine", "conflict", "value_share", "policy_step_cosine", "value_step_cosine"):
            known = [row[key] for row in seeds if row[key] != ""]
            line.append(f"{np.median(known):.3g}" if known else "–")
        lines.append(line)
    return markdown(header, lines)


def figure(rows: list[dict[str, object]], file: Path) -> None:
    """Return against the ratio of the rows as they enter the sum: a point a seed, a panel an environment."""
    plt = pyplot()
    environments = list(dict.fromkeys(row["environment"] for row in rows))
    panels, axes = plt.subplots(1, len(environments), figsize=(6.2 * len(environments), 4.6), squeeze=False)
    markers, fills = {"sum": "o", "pcgrad": "s", "imtl_g": "^", "config": "D"}, {}
    colors = {"1": "#ee6677", "0.1": "#4477aa", "unit variance": "#228833"}
    for axis, environment in zip(axes[0], environments, strict=True):
        here = of_settings([row for row in rows if row["environment"] == environment])
        for (torso, combiner, _, rewards), seeds in here.items():
            returns = [row["training_return"] for row in seeds]
            if torso == "separate":
                axis.axhline(np.mean(returns), color=colors[rewards], linestyle="--", linewidth=1, alpha=0.8)
                continue
            places = [row["weighted_ratio"] for row in seeds]
            style = {"marker": markers[combiner], "color": colors[rewards], "alpha": 0.5}
            axis.scatter(places, returns, s=18, linewidths=0, **style)
            fills[f"{combiner}, rewards {rewards}"] = style
        axis.set(xscale="log", title=environment, xlabel="c · value row / policy row (median over training)")
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel("return in the last 5 % of training")
    handles = [plt.Line2D([], [], linestyle="", label=label, **style) for label, style in fills.items()]
    handles.append(plt.Line2D([], [], linestyle="--", color="#555555", label="separate torsos (mean; colours as left)"))
    panels.legend(handles=handles, loc="lower center", ncols=3, fontsize=8)
    panels.tight_layout(rect=(0, 0.2, 1, 1))
    panels.savefig(file, dpi=110)
    plt.close(panels)


if __name__ == "__main__":
    main()
