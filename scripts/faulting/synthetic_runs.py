"""Writes run directories as training leaves them, with chosen numbers and without training."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from omegaconf import DictConfig, OmegaConf

from rl.commands.hyperparameters import hyperparameters
from rl.runs.directory import RunDirectory
from rl.runs.metrics_file import MetricsFile
from rl.tensorboard.gramians import Legend
from rl.tensorboard.writer import Writer

OBJECTIVES = ("policy", "value", "entropy")
LAYERS = ("torso/dense_0", "torso/dense_1")
_VERSIONS = {"tapestry-rl": "0.1.0", "python": "3.12.0", "tensorflow": "2.21.0", "tensorboard": "2.21.0"}
_WIDTH = 16  # entries of a synthetic row in a layer


class Story(NamedTuple):
    """The course of a run.

    Args:
        status: as in summary.json.
        reached: share of the steps that were trained.
        returns: mean returns at the beginning and at the end.
        spread: standard deviation of the returns, as a share of their rise.
        ratio: the value row's norm over the policy row's at the end; 1 at the beginning.
        cosine: of these rows.
        episodes: mean number of episodes that end in an iteration.
        silent: share of the training, at its end, in which no episode ends.
        evaluated: whether there is a greedy evaluation.
        error: as in summary.json.
    """

    status: str = "completed"
    reached: float = 1.0
    returns: tuple[float, float] = (20.0, 500.0)
    spread: float = 0.05
    ratio: float = 3.0
    cosine: float = 0.0
    episodes: int = 6
    silent: float = 0.0
    evaluated: bool = True
    error: str | None = None


def write_run(path: Path, config: DictConfig, choices: Mapping[str, Any], story: Story, *, seed: int) -> None:
    """Writes summary.json, metrics.csv, .hydra/ and an event file of a run into a new folder.

    Args:
        config: the composed config; its `seed` is the run's.
        choices: {config group: choice}.
        seed: of the random numbers in the files.
    """
    random = np.random.default_rng(seed)
    path.mkdir(parents=True)
    (path / ".hydra").mkdir()
    OmegaConf.save(config, path / ".hydra" / "config.yaml", resolve=True)
    OmegaConf.save(OmegaConf.create({"choices": dict(choices)}), path / ".hydra" / "hydra.yaml")
    OmegaConf.save(OmegaConf.create([]), path / ".hydra" / "overrides.yaml")
    per_iteration = config.num_envs * config.agent.rollout_length
    iterations = -(-config.steps // per_iteration)
    done = max(1, int(iterations * story.reached))
    steps = per_iteration * np.arange(1, done + 1)
    columns, probed = _returns(story, done, iterations, random), []
    gramians: dict[int, np.ndarray] = {}
    if config.probe.names:
        probed = list(range(0, done, config.probe.every_iterations))
        gramians = {k: _gramian(story, (k + 1) / iterations, random) for k in probed}
        columns |= _findings(gramians, done, shared=config.network.shared)
    columns |= _evaluations(columns["episode/return"], story, done == iterations)
    columns |= {
        "time/steps_per_second": np.full(done, 9e4 * random.uniform(0.8, 1.2)),
        "time/wall_seconds": np.linspace(6.0, 30.0, done),
    }
    MetricsFile(path / "metrics.csv").append(steps.tolist(), columns)
    writer = Writer(path)
    writer.begin(OmegaConf.to_yaml(config, resolve=True), hyperparameters(config, choices))
    writer.layout(columns)
    for k in range(done):
        if k in gramians and config.network.shared:
            writer.gramian(gramians[k], _legend(config), int(steps[k]))
        if k % 5 == 0 or k == done - 1:
            writer.scalars({tag: float(column[k]) for tag, column in columns.items()}, int(steps[k]))
    writer.end(story.status, int(steps[-1]))
    writer.close()
    RunDirectory(path).write_summary(_summary(story, config, columns, int(steps[-1])))


def _returns(story: Story, done: int, iterations: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """The columns of returns and losses: a logistic curve from the first return to the last."""
    progress = np.arange(1, done + 1) / iterations
    first, last = story.returns
    rise = 1 / (1 + np.exp(-12 * (progress - random.uniform(0.3, 0.5))))
    noise = story.spread * abs(last - first)
    means = first + (last - first) * rise + noise * random.normal(size=done)
    count = np.where(progress > 1 - story.silent, 0, random.poisson(story.episodes, done)).astype(float)
    known = np.where(count > 0, 1.0, np.nan)
    return {
        "episode/return": means * known,
        "episode/return_min": (means - 2 * noise) * known,
        "episode/return_max": (means + 2 * noise) * known,
        "episode/length": np.abs(means) * known,
        "episode/count": count,
        "value/explained_variance": np.clip(rise, 0, 0.95),
        "objective/policy": 0.02 * random.normal(size=done),
        "objective/value": 0.5 * np.exp(-2 * progress),
        "objective/entropy": -0.7 * np.exp(-progress),
        "policy/entropy": 0.7 * np.exp(-progress),
        "policy/kl": 0.01 * random.uniform(size=done),
        "update/clip_ratio": np.clip(random.uniform(0.2, 1.4, done), 0, 1),
        "update/learning_rate": 2.5e-4 * (1 - progress),
        "update/count": np.full(done, 16.0),
    }


def _gramian(story: Story, progress: float, random: np.random.Generator) -> np.ndarray:
    """Gramians [L, 6, 6] of random rows with the story's ratio and cosine; the step is −0.01 times the clipped sum."""
    rows = random.normal(size=(len(LAYERS), 6, _WIDTH))
    rows /= np.linalg.norm(rows, axis=-1, keepdims=True)
    rows[:, 1] = story.cosine * rows[:, 0] + np.sqrt(1 - story.cosine**2) * rows[:, 1]
    rows[:, 1] *= story.ratio ** min(1.0, 2 * progress)
    rows[:, 2] *= 0.1
    rows[:, :3] *= 0.3
    rows[:, 3] = rows[:, 0] + 0.5 * rows[:, 1] + 0.01 * rows[:, 2]
    rows[:, 4] = rows[:, 3] * min(1.0, 0.5 / np.linalg.norm(rows[:, 3]))
    rows[:, 5] = -0.01 * rows[:, 4]
    return rows @ rows.swapaxes(-1, -2)


def _legend(config: DictConfig) -> Legend:
    return Legend(
        layers=LAYERS,
        sizes=(320, 4160),
        objectives=OBJECTIVES,
        extra_rows=("combined", "clipped", "applied"),
        coefficients=(1.0, 0.5, 0.01),
        groups={"actor": ("policy", "entropy"), "critic": ("value",)},
        combiner=config.combiner._target_.rsplit(".", 1)[-1],
        settings={},
    )


def _findings(gramians: Mapping[int, np.ndarray], done: int, *, shared: bool) -> dict[str, np.ndarray]:
    """The columns that the default probes log of the Gramians; with separate torsos the norms alone."""
    found: dict[str, np.ndarray] = {}
    for k, by_layer in gramians.items():
        total = by_layer.sum(0)
        norms = np.sqrt(np.diag(total))
        cosines = total / np.outer(norms, norms)
        numbers = {f"gradient/norm/{name}": norms[i] for i, name in enumerate(OBJECTIVES)}
        if shared:
            numbers["gradient/norm_ratio/value-policy"] = norms[1] / norms[0]
            for (i, a), (j, b) in itertools.combinations(enumerate(OBJECTIVES), 2):
                numbers[f"gradient/cosine/{a}-{b}"] = cosines[i, j]
                numbers[f"gradient/conflict/{a}-{b}"] = (by_layer[:, i, j] < 0).mean()
            weighted = np.array([1.0, 0.5, 0.01]) * total[:3, 5]
            for i, name in enumerate(OBJECTIVES):
                numbers[f"update/share/{name}"] = weighted[i] / np.abs(weighted).sum()
                numbers[f"update/cosine/{name}-applied"] = -cosines[i, 5]
            numbers["update/applied_norm"] = norms[5]
        for tag, number in numbers.items():
            found.setdefault(tag, np.full(done, np.nan))[k] = number
    return found


def _evaluations(returns: np.ndarray, story: Story, complete: bool) -> dict[str, np.ndarray]:
    """The evaluation's columns: one evaluation at the end of a complete run."""
    mean, std = np.full((2, len(returns)), np.nan)
    if complete and story.evaluated:
        mean[-1], std[-1] = story.returns[1], abs(story.spread * story.returns[1])
    return {"evaluation/return": mean, "evaluation/std": std}


def _summary(story: Story, config: DictConfig, columns: Mapping[str, np.ndarray], steps: int) -> dict[str, Any]:
    mean, std = (float(columns[f"evaluation/{name}"][-1]) for name in ("return", "std"))
    evaluation = {"mean": mean, "std": std, "iqm": mean, "episodes": 100}
    summary = {
        "status": story.status,
        "steps": steps,
        "updates": int(16 * len(columns["episode/count"])),
        "wall_seconds": float(columns["time/wall_seconds"][-1]),
        "steps_per_second": float(columns["time/steps_per_second"][-1]),
        "evaluation": None if np.isnan(mean) else evaluation,
        "seed": config.seed,
        "versions": _VERSIONS,
        "git_commit": "0123456789abcdef0123456789abcdef01234567",
    }
    return summary | ({"error": story.error} if story.error else {})
