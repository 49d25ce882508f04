"""Small runs inside the tests' process, which share one compiled program."""

from pathlib import Path

from rl.training import Description, Run, RunDirectory, RunSettings

COMPILED = (
    "environment=compiled/cartpole",
    "num_envs=4",
    "agent.rollout_length=16",
    "agent.epochs=1",
    "agent.minibatches=1",
    "probe.names=[norms]",
    "network.torso.widths=[8]",
    "steps=640",
    "seed=5",
)
SETTINGS = {
    "probe_every": 1,
    "probe_every_iterations": 4,
    "histograms_every": 192,
    "log_every": 128,
    "evaluate_every": 256,
    "evaluation_episodes": 4,
    "videos": 0,
    "checkpoint_every": 192,
    "checkpoints_kept": 2,
    "initial_checkpoint": None,
    "progress": False,
}


class SmallRuns:
    """Trains the same experiment again and again, in directories of its own choice."""

    def __init__(self, build, *overrides, **settings):
        """settings: over those above."""
        self.experiment = build(*COMPILED, *overrides)
        self.settings = RunSettings(**{**SETTINGS, **settings})
        self._compiled = None
        self.said: list[str] = []

    @property
    def steps(self) -> int:
        """Environment steps done in the run that is being trained."""
        return self._compiled.steps

    def __call__(self, *paths: Path, fresh: bool = False) -> list[dict]:
        """One start of the program, as scripts/train.py makes it; returns the summaries."""
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
            self.experiment.restart(5)
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
                after=self._compiled,
            )
            self._compiled = run
            return run.run()
        finally:
            for directory in directories:
                directory.unlock()
