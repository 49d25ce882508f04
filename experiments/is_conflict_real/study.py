"""Is the conflict of policy and value above chance, and how noisy is each? README.md has question, figure and finding.

python experiments/is_conflict_real/study.py [--folder runs/studies]     trains, or goes on; then the tables
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))

import studies

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
    """{name: overrides} of the project's default settings with every λ."""
    return {
        f"{environment}/lambda={value}": (f"environment=compiled/{environment}", *SETTINGS, f"agent.lambda_={value}")
        for value in LAMBDAS
    }


def main() -> None:
    """Trains what is not there yet, and writes data and figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("runs/studies"), help="where the runs are kept")
    folder = parser.parse_args().folder / "is_conflict_real"
    for environment in ENVIRONMENTS:
        studies.train_settings(settings(environment), folder, seeds=SEEDS)


if __name__ == "__main__":
    main()
