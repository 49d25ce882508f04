"""One kill at every distinct file operation of every kind of run, from snapshots of one run of each kind."""

import re
import shutil
from pathlib import Path

from faulting.campaign import Setting
from faulting.operations import Operation, watched
from faulting.snapshots import distinct, snapshots
from faulting.tried import TRIED, Tried, shortened, whole

_SHORT = ("compiled",)
_MOST = 400


class OperationKills:
    """A case is the state that a kill before an operation leaves, on which the same command runs again.

    A command that writes nothing where it must not has one case: that it does so.
    """

    def __init__(self, setting: Setting):
        self._setting = setting
        self._states: list[tuple[Tried, Operation, Path]] = []
        for name in _SHORT if setting.short else TRIED:
            self._states += self._states_of(TRIED[name])
        self._states = setting.sample(self._states, 3 if setting.short else _MOST, "operations")
        self.labels = [f"{tried.name}, before {_short(operation)}" for tried, operation, _ in self._states]

    def fault(self, number: int) -> str | None:
        """Runs the same command on the state that the kill left."""
        tried, _, state = self._states[number]
        folder = tried.begin(self._setting, "case")
        shutil.rmtree(folder / tried.writes, ignore_errors=True)
        shutil.copytree(state, folder / tried.writes, symlinks=True)
        outcome = tried.run(folder)
        if outcome.code or outcome.traceback:
            return shortened(f"exit code {outcome.code}: {outcome.printed[-250:]}")
        return tried.lost(folder, whole(tried, self._setting))

    def close(self) -> None:
        """Nothing is shared."""

    def _states_of(self, tried: Tried) -> list[tuple[Tried, Operation, Path]]:
        undisturbed = whole(tried, self._setting)
        folder, into = tried.begin(self._setting, f"run_{tried.name}"), self._setting.folder / f"killed_{tried.name}"
        shutil.rmtree(into, ignore_errors=True)
        with snapshots(folder / tried.writes, into) as taken:
            outcome = tried.run(folder)
        lost = tried.lost(folder, undisturbed)
        if outcome.code or lost:
            raise RuntimeError(f"{tried.name}, a second time and undisturbed: {lost or outcome.printed[-2000:]}")
        return [(tried, operation, state) for operation, state in distinct(taken)]


def operations_of(tried: Tried, setting: Setting) -> list[Operation]:
    """The file operations of the undisturbed command, in order."""
    folder, seen = tried.begin(setting, f"listed_{tried.name}"), []
    with watched(folder / tried.writes, seen.append):
        tried.run(folder)
    return seen


def _short(operation: Operation) -> str:
    """An operation as a label: of a run's long name only seed and combiner, of an event file's no time and process."""
    path = re.sub(r"default/[^/]*?((combiner-\w+__)?[^/_]*__seed-\d+|)(?=/|$)", r"…\1", operation.path)
    return f"{operation.kind} {re.sub(r'(?<=tfevents)[^/]*', '…', path)}"
