"""Why does PPO with a shared torso fail where separate torsos succeed? README.md has question, figure and finding.

python experiments/shared_or_separate/study.py [--folder runs/studies]     trains, or goes on; then the tables
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))

import studies

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


def main() -> None:
    """Trains what is not there yet, and writes data and figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("runs/studies"), help="where the runs are kept")
    folder = parser.parse_args().folder / "shared_or_separate"
    for environment in ENVIRONMENTS:
        studies.train_settings(settings(environment), folder, seeds=SEEDS)


if __name__ == "__main__":
    main()
