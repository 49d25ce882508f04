"""Is the conflict of policy and value above chance, and how noisy is each? README.md has question, figure and finding.

python experiments/is_conflict_real/study.py [--folder runs/studies]     trains or resumes, then prints the tables
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))

import numpy as np
import studies
from benchmarks.printing import markdown

from rl.reports.pyplot import pyplot

SEEDS = 20
ENVIRONMENTS = ("cartpole", "acrobot")
LAMBDAS = (0, 0.6, 0.8, 0.95, 1)
SETTINGS = (
    "steps=500_000",
    "threads=2",
    "evaluation.every_steps=1_000_000_000",
    "checkpoint.every_steps=1_000_000_000",
    "probe.names=[norms,cosines,conflict,cross_batch,noise]",
)


def settings(environment: str) -> dict[str, tuple[str, ...]]:
    """{name: overrides} of the project's default settings, one for each λ."""
    return {
        f"{environment}/lambda={value}": (f"environment=compiled/{environment}", *SETTINGS, f"agent.lambda_={value}")
        for value in LAMBDAS
    }


LAYERS = ("all", "torso/dense_0", "torso/dense_1")
PHASES = 4
SHOWN = 0.95  # the λ of the first table


def main() -> None:
    """Trains the runs that are missing, prints the tables, and writes data and figure."""
    arguments = studies.arguments(__doc__, ENVIRONMENTS)
    folder = arguments.folder / "is_conflict_real"
    for environment in arguments.only:
        studies.train_settings(settings(environment), folder, seeds=SEEDS)
    cosines = [row for environment in arguments.only for row in cosine_rows(folder, environment)]
    noises = [row for environment in arguments.only for row in noise_rows(folder, environment)]
    studies.write_csv(HERE / "cosines.csv", cosines)
    studies.write_csv(HERE / "noise.csv", noises)
    for environment in arguments.only:
        print(f"\n{environment}, λ = {SHOWN}, {SEEDS} seeds:\n\n{cosine_table(cosines, environment)}")
        print(f"\n{environment}, by λ:\n\n{noise_table(noises, environment)}")
    figure(cosines, noises, HERE / "figure.png")


def cosine_rows(folder: Path, environment: str) -> list[dict[str, object]]:
    """A line of data for every λ, seed, quarter of the training and layer.

    `same` is the median cosine of the policy's and the value's row, `crossed` that of rows from halves that share no
    sample, `outside` the share of moments at which |same| exceeds the null band, and `negative` and `crossed_negative`
    are the shares of moments below 0.
    """
    rows = []
    for value in LAMBDAS:
        for run in studies.runs_of(folder, f"{environment}/lambda={value}", seeds=SEEDS):
            for layer in LAYERS:
                ending = "" if layer == "all" else f"/{layer}"
                same = studies.column(run, f"gradient/cosine/policy-value{ending}")
                crossed = studies.column(run, f"gradient/cross_batch/policy-value{ending}")
                band = np.nanmax(studies.column(run, f"gradient/null_band{ending}"))
                for phase, chosen in enumerate(np.array_split(np.flatnonzero(np.isfinite(same)), PHASES)):
                    row = {"environment": environment, "lambda": value, "seed": int(run.name.split("=")[1])}
                    row |= {"layer": layer, "quarter": phase + 1, "null_band": band}
                    row |= {"same": np.median(same[chosen]), "crossed": np.nanmedian(crossed[chosen])}
                    row |= {"outside": np.mean(np.abs(same[chosen]) > band), "negative": np.mean(same[chosen] < 0)}
                    rows.append(row | {"crossed_negative": np.mean(crossed[chosen] < 0)})
    return rows


def noise_rows(folder: Path, environment: str) -> list[dict[str, object]]:
    """A line of data for every λ, seed and objective: the noise scale from sums over training, medians of the rest."""
    rows = []
    for value in LAMBDAS:
        for run in studies.runs_of(folder, f"{environment}/lambda={value}", seeds=SEEDS):
            for objective in ("policy", "value"):
                trace = np.nansum(studies.column(run, f"gradient/noise/{objective}/trace"))
                square = np.nansum(studies.column(run, f"gradient/noise/{objective}/square_norm"))
                row = {"environment": environment, "lambda": value, "seed": int(run.name.split("=")[1])}
                row |= {"objective": objective, "noise_scale": trace / square if square > 0 else float("nan")}
                row |= {"snr": studies.typical(run, f"gradient/snr/{objective}")}
                row |= {"reliability": studies.typical(run, f"gradient/cross_batch/{objective}")}
                rows.append(row | {"training_return": studies.last_returns(run)})
    return rows


def cosine_table(rows: list[dict[str, object]], environment: str) -> str:
    """The table of one λ, by layer and quarter of the training: means over seeds with 95 % bootstrap intervals."""
    header = ["layer", "quarter", "null band ±", "cosine, same samples", "cosine, halves apart"]
    header += ["moments outside the band", "below 0", "below 0, halves apart"]
    lines = []
    for layer in LAYERS:
        for quarter in range(1, PHASES + 1):
            of_it = {"environment": environment, "lambda": SHOWN, "layer": layer, "quarter": quarter}
            chosen = [row for row in rows if all(row[key] == x for key, x in of_it.items())]
            cells = [studies.with_interval([row[key] for row in chosen], "+.3f") for key in ("same", "crossed")]
            cells += [
                f"{np.mean([row[key] for row in chosen]):.0%}" for key in ("outside", "negative", "crossed_negative")
            ]
            lines.append([layer, str(quarter), f"{chosen[0]['null_band']:.3f}", *cells])
    return markdown(header, lines)


def noise_table(rows: list[dict[str, object]], environment: str) -> str:
    """The table by λ: medians over seeds with quartiles."""
    header = ["λ", "noise scale, policy", "noise scale, value", "policy's over value's", "SNR, policy", "SNR, value"]
    lines = []
    for value in LAMBDAS:
        here = [row for row in rows if row["environment"] == environment and row["lambda"] == value]
        by = {name: [row for row in here if row["objective"] == name] for name in ("policy", "value")}
        scales = {name: np.array([row["noise_scale"] for row in own]) for name, own in by.items()}
        ratio = scales["policy"] / scales["value"]
        cells = [_quartiles(scales["policy"]), _quartiles(scales["value"]), _quartiles(ratio)]
        cells += [_quartiles(np.array([row["snr"] for row in by[name]])) for name in ("policy", "value")]
        lines.append([str(value), *cells, studies.with_interval([row["training_return"] for row in by["policy"]])])
    return markdown([*header, "return in the last 5 % of training"], lines)


def _quartiles(numbers: np.ndarray) -> str:
    """Median, quartiles and the number of missing values, as text."""
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return "–"
    low, middle, high = np.quantile(known, (0.25, 0.5, 0.75))
    missing = f", {len(numbers) - len(known)} without" if len(known) < len(numbers) else ""
    return f"{middle:.3g} ({low:.3g} to {high:.3g}{missing})"


def figure(cosines: list[dict[str, object]], noises: list[dict[str, object]], file: Path) -> None:
    """Draws cosines by layer and quarter with the null band, and noise scales over λ; a row an environment."""
    plt = pyplot()
    environments = list(dict.fromkeys(row["environment"] for row in cosines))
    panels, axes = plt.subplots(len(environments), 2, figsize=(12, 4 * len(environments)), squeeze=False)
    for (left, right), environment in zip(axes, environments, strict=True):
        for k, layer in enumerate(LAYERS):
            color = ("#4477aa", "#ee6677", "#228833")[k]
            for key, shift, marker in (("same", -0.12, "o"), ("crossed", 0.12, "s")):
                for quarter in range(1, PHASES + 1):
                    of_it = {"environment": environment, "lambda": SHOWN, "layer": layer, "quarter": quarter}
                    chosen = [row for row in cosines if all(row[name] == x for name, x in of_it.items())]
                    values = [row[key] for row in chosen]
                    low, high = studies.interval(values)
                    place = 5 * k + quarter + shift
                    label = {"same": "same samples", "crossed": "halves apart"}[key] if k == quarter - 1 == 0 else None
                    fill = {"markerfacecolor": color if key == "same" else "white"}
                    left.plot([place, place], [low, high], color=color)
                    left.plot(place, np.mean(values), marker, color=color, label=label, **fill)
                    band = chosen[0]["null_band"]
                    left.fill_between([5 * k + quarter - 0.5, 5 * k + quarter + 0.5], -band, band, color="#dddddd")
        left.axhline(0, color="black", linewidth=0.8)
        left.set_xticks([5 * k + 2.5 for k in range(len(LAYERS))], [f"{name}\nquarters 1 to 4" for name in LAYERS])
        left.set(title=f"{environment}: cosine of policy's and value's row, λ = {SHOWN} (grey: null band)")
        left.legend(fontsize=8)
        for name, color, marker in (("policy", "#4477aa", "o"), ("value", "#ee6677", "s")):
            for place, value in enumerate(LAMBDAS):
                of_it = {"environment": environment, "lambda": value, "objective": name}
                scales = np.array([row["noise_scale"] for row in noises if all(row[k] == x for k, x in of_it.items())])
                known = scales[np.isfinite(scales)]
                if not len(known):
                    continue
                low, middle, high = np.quantile(known, (0.25, 0.5, 0.75))
                right.plot([place, place], [low, high], color=color)
                right.plot(place, middle, marker, color=color, label=name if place == 0 else None)
        right.set_xticks(range(len(LAMBDAS)), [str(value) for value in LAMBDAS])
        right.set(yscale="log", xlabel="λ", title=f"{environment}: noise scale, samples (median, quartiles over seeds)")
        right.grid(alpha=0.3)
        right.legend(fontsize=8)
    panels.tight_layout()
    panels.savefig(file, dpi=110)
    plt.close(panels)


if __name__ == "__main__":
    main()
