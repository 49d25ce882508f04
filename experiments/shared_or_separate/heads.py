"""The study's heads taken apart: a learning rate, a scale or a bias for one of them. README.md has the finding.

python experiments/shared_or_separate/heads.py [--folder runs/studies]     trains, or goes on; then the tables
"""

from study import Setting, Variant

TARGETS_LEVEL = {"cartpole": 60, "acrobot": -60, "mountain_car": -60}  # half-way between first and last returns


def variants(environment: str) -> list[Variant]:
    """One head changed at a time, alone and with surgery; both heads together are among study.py's controls."""
    faster = {
        f"{head} head ×{factor}": (f"+optimizer.rates.{head}={factor}",)
        for head, factor in (("value", 10), ("value", 30), ("value", 100), ("policy", 10))
    }
    start = {
        "value gain ×10": ("network.value_gain=10",),
        "value gain ×0.1": ("network.value_gain=0.1",),
        "value bias at targets": (f"network.value_bias={TARGETS_LEVEL[environment]}",),
    }
    ten = "value head ×10"
    return [
        *(Variant("shared", "sum", change, overrides) for change, overrides in (faster | start).items()),
        *(Variant("shared", combiner, ten, faster[ten]) for combiner in ("pcgrad", "config")),
        Variant("separate", "sum", ten, faster[ten]),
    ]


def settings(environment: str) -> list[Setting]:
    """Where the study's controls are: rewards as they are, value coefficient 0.5."""
    return [Setting(environment, "1", 0.5, variant) for variant in variants(environment)]
