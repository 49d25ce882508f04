"""SIGINT and SIGTERM to processes and to their groups, once and twice, in every phase of a run."""

import itertools
import signal
import time
from pathlib import Path

from faulting.campaign import Setting
from faulting.commands import Ended, Process, until
from faulting.small_runs import COMPILED, SMALL
from faulting.tried import Tried, broken, lost_bits, runs_in, shortened, whole

_LONG = ("steps=6400", "evaluation.every_steps=3200", "evaluation.episodes=401", "evaluation.max_steps=500")
"""The 401 episodes of an evaluation, a prime number, are played one after another, so that it can be interrupted."""
_GYMNASIUM = ("environment=gymnasium", "environment.id=CartPole-v1", *SMALL, *_LONG)
_RUNS = {
    "compiled": Tried("compiled_signalled", "train.py", (*COMPILED, *_LONG), "runs", lost_bits),
    "sync": Tried("sync", "train.py", (*_GYMNASIUM, "environment.vectorization=sync"), "runs", broken),
    "async": Tried("async", "train.py", (*_GYMNASIUM, "environment.vectorization=async"), "runs", broken),
}
_PHASES = {"start": 0, "training": 20, "evaluation": 49, "end": 99}
"""{phase: rows of metrics.csv at its beginning}; evaluations are due after 50 and after 100 iterations."""
_BY_A_SIGNAL = (130, -signal.SIGINT, -signal.SIGTERM)
"""Exit codes of a run that a signal ended; negative before it handles signals, or after a second signal."""


class Signals:
    """A case is a run that gets signals and is then resumed by the same command."""

    def __init__(self, setting: Setting):
        self._setting = setting
        cases = itertools.product(_RUNS, _PHASES, ("INT", "TERM"), ("process", "group"), (1, 2))
        self._cases = [("compiled", "training", "INT", "group", 1)] if setting.short else list(cases)
        self.labels = [
            f"{run}, SIG{name} × {times} to the {to} during {phase}" for run, phase, name, to, times in self._cases
        ]

    def fault(self, number: int) -> str | None:
        """Sends the signals, checks what is left, and runs the same command again."""
        name, phase, kind, to, times = self._cases[number]
        tried = _RUNS[name]
        undisturbed, folder = whole(tried, self._setting), tried.begin(self._setting, "case")
        process = Process(folder, tried.script, *tried.given(folder))
        chance = self._setting.chance("when", number)
        self._wait_for(phase, process, folder, chance.random())
        for _ in range(times):
            process.signal(getattr(signal, f"SIG{kind}"), group=to == "group")
            time.sleep(chance.uniform(0, 0.3))
        outcome = process.wait()
        if wrong := _wrong(outcome, process, folder, phase):
            return shortened(wrong)
        again = tried.run(folder)
        if again.code or again.traceback:
            return shortened(f"does not resume, exit code {again.code}: {again.printed[-250:]}")
        return tried.lost(folder, undisturbed)

    def close(self) -> None:
        """Nothing is shared."""

    def _wait_for(self, phase: str, process: Process, folder: Path, share: float) -> None:
        if phase == "start":
            time.sleep(5 * share)
        else:
            until(process, lambda: _rows(folder) >= _PHASES[phase])
            time.sleep(0.05 * share)


def _wrong(outcome: Ended, process: Process, folder: Path, phase: str) -> str | None:
    if outcome.traceback:
        return f"a traceback: {outcome.printed[-600:]}"
    if outcome.code not in (0, *_BY_A_SIGNAL):
        return f"exit code {outcome.code}: {outcome.printed[-250:]}"
    time.sleep(0.2)
    if left := process.left():
        process.signal(signal.SIGKILL, group=True)
        return f"processes {left} are still there"
    from rl.runs.reader import RecordedRun

    if phase == "start":  # a signal this early may leave a folder without a summary
        return None
    status = [RecordedRun(run).summary["status"] for run in runs_in(folder).values()]
    if outcome.code == 130 and status != ["interrupted"]:
        return f"the summary says {status}"
    return None


def _rows(folder: Path) -> int:
    """The number of complete rows of metrics.csv."""
    (run, *_) = [*runs_in(folder).values(), folder]
    file = run / "metrics.csv"
    return file.read_bytes().count(b"\n") - 1 if file.exists() else 0
