"""Videos of greedy episodes."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from rl.environments import Environment, GymnasiumEnvironment
from rl.errors import ConfigError, require
from rl.learning.seeds import Purpose, fold
from rl.runs.directory import RunDirectory
from rl.runs.experiment import Experiment
from rl.runs.failures import close
from rl.runs.settings import EvaluationSettings
from rl.runs.storage import storing


def record(
    environment: GymnasiumEnvironment,
    policy: Callable[[tf.Tensor], tf.Tensor],
    file: Path,
    *,
    seed: tf.Tensor,
    max_steps: int,
) -> tuple[int, bool]:
    """Records one episode as an MP4 at the environment's own frame rate.

    Args:
        environment: a single environment, made with `render_mode="rgb_array"`.
        policy: observation [1, ...] → action [1, ...].
        file: the MP4; its folder is created.
        seed: [2] int, of the episode.
        max_steps: environment steps after which the episode is cut.
    Returns: the number of frames, and whether the episode was cut.
    Raises: ConfigError where the extra `video` is not installed, or the environment renders no pictures.
    """
    try:
        import imageio.v2 as imageio  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise ConfigError(
            "videos need the extra `video`: pip install 'tapestry-rl[video]' (evaluation.videos)."
        ) from error
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # pygame draws in memory, and need not look for a display
    file.parent.mkdir(parents=True, exist_ok=True)
    state, observation = environment.reset(seed)
    nothing, ended = tf.zeros((1, environment.num_uniforms)), False
    with imageio.get_writer(file, fps=environment.frames_per_second, macro_block_size=2) as writer:
        writer.append_data(_frame(environment))
        steps = 0
        while steps < max_steps and not ended:
            state, transition = environment.step(state, policy(observation), nothing)
            writer.append_data(_frame(environment))  # written at once: a long episode would not fit into memory
            observation, steps = transition.observation, steps + 1
            ended = bool(transition.terminated[0] | transition.truncated[0])
    return steps + 1, not ended


def _frame(environment: GymnasiumEnvironment) -> np.ndarray:
    """The current picture, [height, width, 3] uint8. Raises: ConfigError where there is none."""
    pictures = environment.render()
    if pictures is None or pictures[0] is None:
        raise ConfigError("the environment draws no pictures with render mode rgb_array (evaluation.videos).")
    return np.asarray(pictures[0], np.uint8)


def check_videos(settings: EvaluationSettings, environment: Environment) -> None:
    """Checks before training that the requested videos can be recorded.

    Raises: ConfigError where videos are requested of a compiled environment, which renders no pictures.
    """
    require(
        settings.videos == 0 or not environment.compiled,
        f"evaluation.videos is {settings.videos}, but a compiled environment draws no pictures; set "
        "evaluation.videos=0, or choose a Gymnasium environment.",
    )


def record_videos(
    experiment: Experiment, directory: RunDirectory, settings: EvaluationSettings, say: Callable[[str], None]
) -> None:
    """Records `settings.videos` greedy episodes of a run in its directory, as `videos/episode_<number>.mp4`.

    Args:
        experiment: of one run, with its final weights.
        say: receives a sentence on each video.
    Raises: ConfigError as `record` does; StorageError where a file cannot be written.
    """
    for number in range(settings.videos):
        environment = experiment.make_environment(num_envs=1, render_mode="rgb_array", vectorization="sync")
        file = directory.videos / f"episode_{number}.mp4"
        seed = fold(experiment.variables.seed, Purpose.EVALUATION, -1, number)
        with storing(directory.path):
            frames, cut = record(environment, experiment.greedy, file, seed=seed, max_steps=settings.max_steps)
        close(environment, say)
        say(f"Video: {file} ({frames:,} frames{', cut there' if cut else ''}).")
