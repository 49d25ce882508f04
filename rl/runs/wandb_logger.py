"""A logger for Weights & Biases (extra `wandb`); the package is imported only where a run asks for it."""

import importlib.util
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from rl.errors import require
from rl.runs.loggers import Session
from rl.settings import checked


class WandB:
    """Records a run in Weights & Biases; it resumes, and is extended, as the same run there.

    Each offline session writes `loggers/wandb/wandb/offline-run-…`; `wandb sync --append` uploads them in order.
    """

    @checked
    def __init__(
        self,
        *,
        project: Annotated[str, Field(min_length=1)],
        entity: str | None,
        mode: Literal["online", "offline"],
    ):
        """
        Args:
            project: that the run belongs to.
            entity: user or team that owns the project; None for the account's default.
            mode: `offline` writes files in the run's folder and uploads nothing.
        Raises: ConfigError where the package is not installed, or nobody is logged in for `online`.
        """
        require(
            importlib.util.find_spec("wandb") is not None,
            "the logger wandb needs the extra `wandb`: pip install 'tapestry-rl[wandb]' (logger).",
        )
        import wandb  # noqa: PLC0415 (an extra)

        require(
            mode == "offline" or wandb.login(prompt=False),
            "logger.wandb.mode is online, and nobody is logged in: `wandb login`, or set it to offline.",
        )
        self._place = {"project": project, "entity": entity, "mode": mode}
        self._run: Any = None

    def start(self, session: Session) -> None:
        """Begins or resumes the run with the session's id."""
        import wandb  # noqa: PLC0415 (an extra)

        self._run = wandb.init(
            **self._place,
            id=session.id,
            resume="allow",
            name=session.name,
            group=session.directory.parent.name,
            dir=str(session.folder),
            reinit="create_new",  # the seeds of one program are several runs at once
            settings=wandb.Settings(silent=True, console="off", x_disable_stats=True),
        )
        if not session.described:
            self._run.config.update(dict(session.settings), allow_val_change=True)

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Records a point at an environment step, which is wandb's step as well."""
        self._run.log(dict(scalars), step=step)

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Adds status and final evaluation to wandb's summary of the run, and waits for its files."""
        self._run.summary.update({key: summary[key] for key in ("status", "steps", "evaluation")})
        self._run.finish(exit_code=int(summary["status"] == "failed"))
