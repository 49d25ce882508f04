"""Disks that are full, read-only or forbidden from one file operation on, and folders that are removed during a run."""

import shutil
from pathlib import Path

from faulting.campaign import Setting
from faulting.interrupting import interruption
from faulting.operation_kills import operations_of
from faulting.operations import Operation, watched
from faulting.tried import TRIED, Tried, runs_in, shortened, whole

_HOW = ("ENOSPC", "EROFS", "EACCES", "EFBIG", "removed")
_TIMES = {"compiled": 10, "seeds": 8, "gymnasium": 3, "sweep": 6, "report": 4, "rows": 3}
"""{command: number of operations at which each fault is tried}."""


class Disks:
    """A case is a command whose disk fails from an operation on; then the disk works, and the command runs again."""

    def __init__(self, setting: Setting):
        self._setting = setting
        self._cases: list[tuple[str, str, int]] = []
        for name, times in {"compiled": 1}.items() if setting.short else _TIMES.items():
            count = len(operations_of(TRIED[name], setting))
            for how in _HOW[:2] if setting.short else _HOW:
                places = sorted(setting.chance(name, how).sample(range(count), min(times, count)))
                self._cases += [(name, how, place) for place in places]
        self.labels = [f"{name}, {how} from operation {place} on" for name, how, place in self._cases]

    def fault(self, number: int) -> str | None:
        """Runs the command with the fault, and then without it."""
        name, how, place = self._cases[number]
        tried, folder = TRIED[name], TRIED[name].begin(self._setting, "case")
        before: list[Path] = []
        with watched(folder / tried.writes, self._before(tried, folder, how, place, before)):
            outcome = tried.run(folder)
        printed = outcome.printed[-250:]
        if outcome.traceback:
            return shortened(f"a traceback: {printed}")
        if outcome.code == 0 and how != "removed" and tried.lost(folder, whole(tried, self._setting)):
            return shortened(f"exit code 0 though not all was written: {printed}")
        if outcome.code and not ("error:" in outcome.printed or "failed" in outcome.printed):
            return shortened(f"exit code {outcome.code} without a word: {printed}")
        if how != "removed" and (gone := [file.name for file in before if not file.exists()]):
            return f"checkpoints that are gone: {gone}"
        again = tried.run(folder, *(("retry_failed=true",) if name == "sweep" else ()))
        if again.code or again.traceback:
            return shortened(f"not well again, exit code {again.code}: {again.printed[-250:]}")
        return tried.lost(folder, whole(tried, self._setting))

    def close(self) -> None:
        """Nothing is shared."""

    def _before(self, tried: Tried, folder: Path, how: str, place: int, before: list[Path]):
        seen: list[Operation] = []
        interrupt = interruption(place, how if how != "removed" else "none", seen)

        def callback(operation: Operation) -> None:
            if len(seen) == place:
                before.extend(_newest(folder))
                if how == "removed":
                    written = folder / tried.writes / ("default" if tried.trains else "")
                    shutil.rmtree(written, ignore_errors=True)
            interrupt(operation)

        return callback


def _newest(folder: Path) -> list[Path]:
    """The newest checkpoint of each run that has one."""
    found = [sorted(run.glob("checkpoints/checkpoint_*.npz")) for run in runs_in(folder).values()]
    return [files[-1] for files in found if files]
