"""Small runs inside this process that share one compiled program."""

from collections.abc import Sequence
from pathlib import Path

import hydra

from rl.commands.composition import build
from rl.commands.parts import run_settings
from rl.config_files import CONFIGS
from rl.learning.state import assign, read
from rl.runs.description import Description
from rl.runs.directory import RunDirectory
from rl.runs.run import Run

SMALL = (
    "num_envs=4",
    "agent.rollout_length=16",
    "agent.epochs=1",
    "agent.minibatches=1",
    "network.torso.widths=[8]",
    "probe.names=[norms]",
    "probe.every_steps=1",
    "probe.every_iterations=4",
    "probe.histograms_every_steps=192",
    "logging.every_steps=128",
    "logging.progress=false",
    "evaluation.every_steps=256",
    "evaluation.episodes=4",
    "checkpoint.every_steps=192",
    "seed=5",
)
"""Ten iterations of 64 steps that write every kind of file; evaluations and checkpoints are at different steps."""
COMPILED = ("environment=compiled/cartpole", *SMALL, "steps=640")
REMEMBERING = (
    *("agent=sac", "environment=compiled/pendulum", "environment.max_episode_steps=7", "num_envs=2"),
    *("agent.ticks=6", "agent.batch_size=5", "agent.warmup_steps=24", "agent.critic_widths=[7]"),
    *("network.shared=true", "network.torso.widths=[6]", "combiner=pcgrad", "normalize.observations=true"),
    *("replay.capacity=70", "probe.names=[norms]", "probe.every_steps=1", "probe.every_iterations=3"),
    *("evaluation.every_steps=48", "evaluation.episodes=2", "checkpoint.every_steps=24", "checkpoint.keep=2"),
    *("logging.every_steps=24", "logging.progress=false", "seed=5", "steps=120"),
)
"""Ten iterations of 12 steps of an agent with a memory, which is full after six."""


class SmallRuns:
    """Trains the same experiment repeatedly, each time in directories that the caller chooses."""

    def __init__(self, *overrides: str, base: Sequence[str] = COMPILED):
        """
        Args:
            overrides: are put after those of `base`.
        """
        with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
            config = hydra.compose("train", overrides=[*base, *overrides])
        self.experiment, (_, self.settings) = build(config), run_settings(config)
        self._compiled: Run | None = None
        self.said: list[str] = []

    @property
    def steps(self) -> int:
        """Environment steps of the current run so far."""
        return self._compiled.experiment.steps

    def __call__(self, *paths: Path, fresh: bool = False) -> list[dict]:
        """Trains or resumes in the directories, as scripts/train.py does; returns the summaries."""
        directories = [RunDirectory(path) for path in paths]
        self.said.clear()
        try:
            for directory in directories:
                directory.check_usable()
            known = [directory.summary() for directory in directories]
            if not fresh and all(summary and summary["status"] == "completed" for summary in known):
                return known
            for directory in directories:
                directory.lock()
            assign(self.experiment.variables, read(self.experiment.fresh_variables(5)))
            run = Run(
                self.experiment,
                directories,
                self.settings,
                descriptions=[
                    Description(5 + number, "seed: 5\n", {"seed": 5.0}, {".hydra/config.yaml": "seed: 5\n"})
                    for number in range(len(paths))
                ],
                say=self.said.append,
                fresh=fresh,
            )
            self._compiled = run
            return run.run()
        finally:
            for directory in directories:
                directory.unlock()
