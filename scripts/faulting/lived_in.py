"""Writes a folder of runs as it looks after weeks of work: sweeps over different keys, single runs, and failed runs.

python scripts/faulting/lived_in.py FOLDER [RUNS]
"""

import itertools
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import hydra
from omegaconf import OmegaConf

from faulting.synthetic_runs import Story, write_run
from rl.commands.run_names import job_name
from rl.config_files import CONFIGS


def _garbled_summary(run: Path) -> None:
    (run / "summary.json").write_text('{"status": "compl')


def _cut_metrics(run: Path) -> None:
    text = (run / "metrics.csv").read_text()
    (run / "metrics.csv").write_text(text[: len(text) // 2])


def _garbled_metrics(run: Path) -> None:
    (run / "metrics.csv").write_bytes(b"\x00\xff\x13 not a table\n" * 50)


def _no_config(run: Path) -> None:
    (run / ".hydra" / "config.yaml").unlink()


def _garbled_events(run: Path) -> None:
    for file in run.glob("events.out.tfevents.*"):
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 3] + b"\x07" * 400)


def _whole(_: Path) -> None:
    pass


class _Kind(NamedTuple):
    overrides: tuple[str, ...]
    story: Story = Story()
    seed: int = 0
    damage: Callable[[Path], None] = _whole
    name: str | None = None  # a name that differs from `job_name`, such as an earlier version gave


_SHORT = "steps=100_000"
_CARTPOLE = ("environment=compiled/cartpole", _SHORT)
_DIVERGED = Story("failed", 0.3, error="NonFiniteError: the loss of objective 'value' is not finite at update 17")
_FAILS = Story(returns=(20.0, 90.0), ratio=130.0, cosine=-0.1)
_NO_EPISODES = Story(returns=(-200.0, -200.0), spread=0.0, episodes=5, silent=0.06)
SINGLES = (
    _Kind(("agent=a2c", _SHORT), Story(returns=(20.0, 300.0))),
    _Kind(("experiment=cleanrl", "network.shared=true", _SHORT), _FAILS),
    _Kind(("experiment=cleanrl", _SHORT), Story(ratio=8.0)),
    _Kind((*_CARTPOLE, "network.shared=false"), Story(ratio=5.0)),
    _Kind((*_CARTPOLE, "probe=none"), Story(), name="without_probes__seed-0"),
    _Kind(("environment=mountain_car", "steps=20_480"), _NO_EPISODES),
    _Kind(("experiment=pendulum", _SHORT), Story(returns=(-1400.0, -200.0), ratio=40.0, episodes=5)),
    _Kind(("environment=gymnasium", "environment.id=CliffWalking-v1", _SHORT), Story(returns=(-9000.0, -13.0))),
    _Kind((*_CARTPOLE, "normalize.rewards=false"), _FAILS),
    _Kind((*_CARTPOLE, "normalize.reward_scale=1e9"), Story(returns=(2e10, 5e11), ratio=1e12)),
    _Kind((*_CARTPOLE, "normalize.reward_scale=1e-9"), Story(returns=(2e-8, 5e-7), ratio=1e-6)),
    _Kind((*_CARTPOLE, "network.torso.widths=[256,256]"), Story(evaluated=False)),
    _Kind(
        (*_CARTPOLE, "optimizer.learning_rate=1"), Story("failed", 0.3, error="NonFiniteError: a loss is not finite")
    ),
    _Kind((*_CARTPOLE, "agent.epochs=40"), Story("interrupted", 0.6)),
    _Kind((*_CARTPOLE, "num_envs=64"), Story("running", 0.4)),
    _Kind((*_CARTPOLE, "agent.lambda_=0.5"), damage=_garbled_summary),
    _Kind((*_CARTPOLE, "agent.lambda_=0.6"), damage=_cut_metrics),
    _Kind((*_CARTPOLE, "agent.lambda_=0.7"), damage=_garbled_metrics),
    _Kind((*_CARTPOLE, "agent.lambda_=0.8"), damage=_no_config),
    _Kind((*_CARTPOLE, "agent.lambda_=0.9"), damage=_garbled_events),
    _Kind((*_CARTPOLE, "combiner=pcgrad"), seed=3, name="combiner=pcgrad,seed=3"),
    _Kind(("+environment.kwargs.render_mode=null", _SHORT), name="environment.kwargs=delete,etc_0a1b2c3d4e,seed=0"),
)
"""The runs that belong to no sweep, one of each kind."""

_TASKS = (
    ("compiled/cartpole", (20.0, 500.0)),
    ("compiled/acrobot", (-500.0, -80.0)),
    ("pendulum", (-1400.0, -200.0)),
    ("compiled/tabular/chain", (0.0, 9.0)),
    ("mountain_car", (-200.0, -110.0)),
)
_SWEEPS: tuple[tuple[str, tuple[tuple[str, float, float], ...], int], ...] = (
    ("combiner", (("sum", 0.4, 130.0), ("pcgrad", 0.7, 60.0), ("imtl_g", 1.0, 20.0), ("upgrad", 0.95, 30.0)), 5),
    (
        "optimizer.learning_rate",
        (("1e-4", 0.5, 4.0), ("3e-4", 0.8, 3.0), ("1e-3", 1.0, 3.0), ("3e-3", 0.9, 5.0), ("1e-2", 0.2, 9.0)),
        2,
    ),
    ("agent.gamma", (("0.9", 0.3, 2.0), ("0.95", 0.6, 3.0), ("0.999", 1.0, 6.0)), 3),
)
"""(key, ((value, share of the way from the first return to the last, norm ratio) …), seeds)."""


def _swept() -> Iterator[_Kind]:
    """An endless sequence of sweeps' runs, in one environment after the other; of one setting a seed is missing."""
    for turn in itertools.count():
        task, (first, last) = _TASKS[turn % len(_TASKS)]
        start = turn // len(_TASKS)
        for key, values, seeds in _SWEEPS:
            for (value, share, ratio), seed in itertools.product(values, range(start * seeds, (start + 1) * seeds)):
                missing = key == "agent.gamma" and value == "0.9" and seed == 1
                if not missing:
                    story = Story(returns=(first, first + share * (last - first)), ratio=ratio, cosine=-0.05)
                    yield _Kind((f"environment={task}", _SHORT, f"{key}={value}"), story, seed)


def kinds(runs: int) -> list[_Kind]:
    """The first `runs` runs of a folder: one of each single kind, then those of the sweeps."""
    return list(itertools.islice(itertools.chain(SINGLES, _swept()), runs))


def lived_in_folder(path: Path, runs: int = 60, seed: int = 0) -> list[Path]:
    """Writes run directories, and two folders that are no runs; returns the run directories.

    Args:
        path: of the folder, such as `runs/`.
        runs: number of run directories; the first 22 are one of each single kind.
        seed: of all numbers.
    """
    composed: dict[tuple[str, ...], object] = {}
    places = []
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        for number, kind in enumerate(kinds(runs)):
            if kind.overrides not in composed:
                composed[kind.overrides] = hydra.compose(
                    "train", overrides=list(kind.overrides), return_hydra_config=True
                )
            root = composed[kind.overrides]
            root.seed = kind.seed
            choices = OmegaConf.to_container(root.hydra.runtime.choices)
            place = path / choices["experiment"] / (kind.name or job_name(root))
            config = OmegaConf.masked_copy(root, [key for key in root if key != "hydra"])
            write_run(place, config, choices, kind.story, seed=1000 * seed + number)
            kind.damage(place)
            places.append(place)
    (path / "notes").mkdir(parents=True, exist_ok=True)
    (path / "notes" / "summary.json").write_text(json.dumps({"title": "my paper"}))
    (path / "empty").mkdir(exist_ok=True)
    return places


if __name__ == "__main__":
    written = lived_in_folder(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
    print(f"{len(written)} runs in {sys.argv[1]}")
