"""Kills of real processes at random moments."""

import signal
import time
from pathlib import Path

from faulting.campaign import Setting
from faulting.commands import Ended, Process, until
from faulting.tried import TRIED, Tried, runs_in, shortened, whole

_NUMBERS = {"compiled": 40, "seeds": 35, "gymnasium": 35, "sweep": 40, "evaluate": 15, "report": 15, "rows": 20}
_IN_THE_START = 0.25
"""The share of a training command's kills before its first metrics; the others follow its metrics on the disk."""


class RandomKills:
    """A case is a command that is killed once or twice and then runs to its end."""

    def __init__(self, setting: Setting):
        self._setting = setting
        numbers = {"compiled": 1} if setting.short else _NUMBERS
        self._names = [name for name, count in numbers.items() for _ in range(count)]
        setting.chance("order").shuffle(self._names)
        self.labels = [f"{name}, {self._moment(number)}" for number, name in enumerate(self._names)]
        self._seconds: dict[str, float] = {}

    def fault(self, number: int) -> str | None:
        """Kills the command and runs it again."""
        tried = TRIED[self._names[number]].longer()
        undisturbed = self._undisturbed(tried)
        folder = tried.begin(self._setting, "case")
        for moment in self._moments(number):
            self._kill(tried, folder, moment, undisturbed)
        outcome = self._again(tried, folder, own=number % 8 == 7)
        if outcome.code or outcome.traceback:
            return shortened(f"exit code {outcome.code}: {outcome.printed[-250:]}")
        return tried.lost(folder, undisturbed)

    def close(self) -> None:
        """Nothing is shared."""

    def _moments(self, number: int) -> list[float]:
        """The moments of the kills, as shares of the command's duration, in [0, 1)."""
        chance = self._setting.chance("moment", number)
        first = 0.6 if self._setting.short else chance.random()
        return [first, chance.random()] if chance.random() < 0.2 and not self._setting.short else [first]

    def _moment(self, number: int) -> str:
        return " and again ".join(f"after {share:.0%}" for share in self._moments(number))

    def _undisturbed(self, tried: Tried) -> Path:
        longer = tried._replace(name=f"{tried.name}_longer") if tried.trains else tried
        return whole(longer, self._setting)

    def _kill(self, tried: Tried, folder: Path, share: float, undisturbed: Path) -> None:
        began = time.monotonic()
        process = Process(folder, tried.script, *tried.given(folder))
        if tried.trains and share > _IN_THE_START:
            rows = (share - _IN_THE_START) / (1 - _IN_THE_START) * _written(undisturbed)
            until(process, lambda: _written(folder) >= rows)
            time.sleep(self._setting.chance("late", share).uniform(0, 0.05))
        else:
            share_of_start = share / _IN_THE_START if tried.trains else share
            moment = began + share_of_start * self._seconds_of(tried)
            until(process, lambda: time.monotonic() >= moment)
        process.signal(signal.SIGKILL, group=True)
        process.wait()

    def _seconds_of(self, tried: Tried) -> float:
        """Seconds until the first row of metrics where the command trains, otherwise until its end; measured once."""
        if tried.name not in self._seconds:
            folder, began = tried.begin(self._setting, "timed"), time.monotonic()
            process = Process(folder, tried.script, *tried.given(folder))
            until(process, lambda: tried.trains and _written(folder) > 0)
            self._seconds[tried.name] = time.monotonic() - began
            process.signal(signal.SIGKILL, group=True)
            process.wait()
        return self._seconds[tried.name]

    def _again(self, tried: Tried, folder: Path, *, own: bool) -> Ended:
        """Runs the same command again, in this process, or with `own` in a new interpreter."""
        if own:
            return Process(folder, tried.script, *tried.given(folder), own=True).wait()
        return tried.run(folder)


def _written(folder: Path) -> int:
    """The bytes of all metrics.csv files in a command's folder."""
    return sum(file.stat().st_size for run in runs_in(folder).values() if (file := run / "metrics.csv").exists())
