"""A logger for MLflow (extra `mlflow`); the package is imported only where a run asks for it."""

import importlib.util
import json
import logging
import time
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from rl.errors import require
from rl.runs.loggers import Session
from rl.settings import checked

_ID = "tapestry.id"
"""The tag by which a run is found again."""
_METRICS, _PARAMS = 1_000, 100
"""The most metrics and parameters that MLflow takes in one call."""
_STATUS = {"completed": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}


class MLflow:
    """Records a run in MLflow; it resumes, and is extended, as the same run there.

    Parameters cannot change in MLflow: an extended run keeps the first ones, and its `summary` has the new length.
    """

    @checked
    def __init__(self, *, experiment: Annotated[str, Field(min_length=1)], tracking_uri: str | None):
        """
        Args:
            experiment: MLflow's experiment that the run belongs to.
            tracking_uri: a server or a database; None for a database in the run's folder.
        Raises: ConfigError where the packages are not installed.
        """
        for package in ("mlflow", *(() if tracking_uri else ("sqlalchemy", "alembic"))):
            require(
                importlib.util.find_spec(package) is not None,
                f"the logger mlflow needs the extra `mlflow` ({package}): pip install 'tapestry-rl[mlflow]' (logger).",
            )
        self._experiment, self._uri = experiment, tracking_uri
        self._client: Any = None
        self._run = ""

    def start(self, session: Session) -> None:
        """Begins the run, or finds it by the session's id."""
        from mlflow import MlflowClient  # noqa: PLC0415 (an extra)
        from mlflow.entities import Param  # noqa: PLC0415 (an extra)

        logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)  # it tells of every table that it makes
        uri = self._uri or f"sqlite:///{session.folder / 'mlflow.db'}"
        self._client = MlflowClient(tracking_uri=uri)
        found = self._client.get_experiment_by_name(self._experiment)
        artifacts = None if self._uri else (session.folder / "artifacts").as_uri()
        place = found.experiment_id if found else self._client.create_experiment(self._experiment, artifacts)
        earlier = self._client.search_runs([place], f"tags.`{_ID}` = '{session.id}'")
        if earlier:
            self._run = earlier[0].info.run_id
            self._client.update_run(self._run, status="RUNNING")
            return
        self._run = self._client.create_run(place, tags={_ID: session.id}, run_name=session.name).info.run_id
        params = [Param(key.replace("*", "all"), str(value)[:6_000]) for key, value in session.settings.items()]
        for first in range(0, len(params), _PARAMS):
            self._client.log_batch(self._run, params=params[first : first + _PARAMS])

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Records a point at an environment step, with the present time."""
        from mlflow.entities import Metric  # noqa: PLC0415 (an extra)

        now = time.time_ns() // 1_000_000
        metrics = [Metric(tag, number, now, step) for tag, number in scalars.items()]
        for first in range(0, len(metrics), _METRICS):
            self._client.log_batch(self._run, metrics=metrics[first : first + _METRICS])

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Sets the run's status, and its tag `summary` to the content of summary.json."""
        self._client.set_tag(self._run, "summary", json.dumps(summary))
        self._client.set_terminated(self._run, _STATUS[summary["status"]])
