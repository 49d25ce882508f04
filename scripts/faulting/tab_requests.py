"""A thousand requests to one TensorBoard, on a folder with undamaged and damaged runs."""

import contextlib
import http.client
import json
import shutil
from functools import cached_property
from urllib.parse import urlencode

from faulting.campaign import Setting
from faulting.damaged_gramians import write_damaged_runs
from faulting.lived_in import lived_in_folder
from faulting.requests import PREFIX, Asked, fault, over_http, requests
from faulting.servers import tensorboard
from faulting.tried import shortened

_DAMAGED, _LIVED_IN, _REQUESTS = 40, 60, 1000
_GOOD = ("good__seed-0", "good__seed-1")


class TabRequests:
    """A case is a request; the last one compares the answer about the good runs with that beside all others."""

    def __init__(self, setting: Setting):
        self._setting, self._open = setting, contextlib.ExitStack()
        self._count, self._damaged, self._lived_in = (40, 8, 3) if setting.short else (_REQUESTS, _DAMAGED, _LIVED_IN)
        self.labels = [f"request {number}" for number in range(self._count - 1)] + ["the good runs beside all others"]

    def fault(self, number: int) -> str | None:
        """Sends the request and checks the answer."""
        if number == self._count - 1:
            return self._good_runs()
        asked = self._asked[number]
        try:
            wrong = fault(asked, self._ask(asked))
        except (OSError, http.client.HTTPException) as error:
            wrong = f"no answer: {type(error).__name__}: {error}"
        return wrong and shortened(f"{asked.method} {asked.path[:150]}: {wrong}")

    def close(self) -> None:
        """Stops TensorBoard."""
        self._open.close()

    @cached_property
    def _address(self) -> str:
        folder = self._setting.folder / "logs"
        shutil.rmtree(folder, ignore_errors=True)
        write_damaged_runs(folder, count=self._damaged, seed=self._setting.seed)
        lived_in_folder(folder, self._lived_in, self._setting.seed)
        return self._open.enter_context(tensorboard(folder, "--reload_interval", "0", runs=None))

    @cached_property
    def _ask(self):
        return over_http(self._address, timeout=600)

    @cached_property
    def _runs(self) -> list[str]:
        return [one["run"] for one in json.loads(self._ask(Asked("GET", f"{PREFIX}/runs")).content)["runs"]]

    @cached_property
    def _asked(self) -> list[Asked]:
        return list(requests(self._runs, count=self._count, seed=self._setting.seed))

    def _good_runs(self) -> str | None:
        beside, alone = ({one["config"]: one for one in self._overview(runs)} for runs in (self._runs, _GOOD))
        (good,) = alone.values()
        if good["problems"]:
            return shortened(f"a good run has problems: {good['problems']}")
        unlike = [key for key in good if beside.get("good", {}).get(key) != good[key]]
        return f"beside the others {', '.join(unlike)} are not the same" if unlike else None

    def _overview(self, runs) -> list[dict]:
        query = urlencode([("run", run) for run in runs])
        return json.loads(self._ask(Asked("GET", f"{PREFIX}/overview?{query}")).content)["settings"]
