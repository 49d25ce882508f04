"""Faulty environments in training and in evaluation: the fault must be reported, and the trained weights saved."""

import shutil
from pathlib import Path
from typing import NamedTuple

from faulting import bad, bad_compiled
from faulting.campaign import Setting
from faulting.commands import Ended, ended
from faulting.small_runs import COMPILED, SMALL
from faulting.tried import runs_in, shortened

_IN_TRAINING, _IN_EVALUATION = 40, 300
"""The environment's step with the fault: in the third of ten iterations, or after training has ended."""
_EPISODES = 101
"""A prime number of episodes, so that one environment plays them all, with 8 steps each."""
_UNSEEN = ("raises_in_close", "hangs_in_close", "never_ends", *bad.TOLERATED)
"""Faults with which a run completes."""


class _Bad(NamedTuple):
    where: str  # training, evaluation or start
    fault: str
    kind: str  # sync, async or compiled


class BadEnvironments:
    """A case is a fault of an environment and where it occurs."""

    def __init__(self, setting: Setting):
        self._setting = setting
        both = ("training", "evaluation")
        cases = [_Bad(where, fault, "sync") for where in both for fault in (*bad.STEPS, *bad.RESETS, *bad.TOLERATED)]
        # In training alone, since the environments of an evaluation run in this process.
        cases += [_Bad("training", fault, "async") for fault in bad.ENDS_ITS_PROCESS]
        cases += [_Bad("start", "raises_in_constructor", kind) for kind in ("sync", "async")]
        cases += [_Bad("training", fault, "sync") for fault in ("raises_in_close", "hangs_in_close", "never_ends")]
        cases += [_Bad("training", fault, "compiled") for fault in bad_compiled.NUMBERS]
        cases += [_Bad("start", fault, "compiled") for fault in bad_compiled.CONTRACT]
        short = [_Bad("training", "nan_reward", "compiled"), _Bad("start", "whole_reward", "compiled")]
        self._cases = short if setting.short else cases
        self.labels = [f"{of.fault} in {of.where}, {of.kind}" for of in self._cases]

    def fault(self, number: int) -> str | None:
        """Trains with the fault."""
        case, folder = self._cases[number], self._setting.folder / "case"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        outcome = ended(folder, "train.py", *_overrides(case), interrupts_itself=case.fault == "interrupts")
        wrong = _wrong(case, outcome, folder)
        return wrong and shortened(f"{wrong} (exit code {outcome.code}: {outcome.printed[-200:].strip()})")

    def close(self) -> None:
        """Nothing is shared."""


def _overrides(case: _Bad) -> tuple[str, ...]:
    if case.kind == "compiled":
        limit = ("environment.max_episode_steps=64", "+environment.at=40")
        if case.fault == "nan_final_observation":
            limit = ("environment.max_episode_steps=40",)
        target = ("environment._target_=faulting.bad_compiled.Bad", f"+environment.fault={case.fault}")
        return (*COMPILED, *target, *limit)
    at = _IN_EVALUATION if case.where == "evaluation" else _IN_TRAINING
    made = (f"+environment.kwargs.fault={case.fault}", f"+environment.kwargs.at={at}")
    of = (
        "environment=gymnasium",
        "environment.id=faulting.bad:Bad-v0",
        f"environment.vectorization={case.kind}",
        *made,
    )
    return (
        *of,
        *SMALL,
        "steps=640",
        "evaluation.every_steps=640",
        f"evaluation.episodes={_EPISODES}",
        "evaluation.max_steps=50",
    )


def _wrong(case: _Bad, outcome: Ended, folder: Path) -> str | None:
    """What is wrong after the fault, in words; None where nothing is."""
    if outcome.traceback:
        return "a traceback"
    if case.where == "start":
        left = [file.name for file in folder.rglob("*") if file.is_file()]
        return None if outcome.code == 2 and not left else f"{left} are left, or it is not refused"
    expected = {"exits": 7, "interrupts": 130}.get(case.fault, 0 if case.fault in _UNSEEN else 3)
    if outcome.code != expected:
        return f"not exit code {expected}"
    return _wrong_record(case, expected, *runs_in(folder).values())


def _wrong_record(case: _Bad, code: int, run: Path) -> str | None:
    """What is wrong in the run directory, in words; None where nothing is."""
    from rl.runs.directory import read_summary

    summary = read_summary(run / "summary.json")
    status = {0: "completed", 130: "interrupted"}.get(code, "failed")
    if summary["status"] != status:
        return f"the summary says {summary['status']}, not {status}"
    # An exception loses the iterations of the host call that it is raised in, at most a second of training.
    trained = (640,) if case.where == "evaluation" or code == 0 else (64, 128)
    newest = max((file.name for file in (run / "checkpoints").glob("checkpoint_*.npz")), default="none")
    if newest not in [f"checkpoint_{steps:012d}.npz" for steps in trained]:
        return f"{newest} is the newest checkpoint, not that of step {trained[-1]}"
    if case.fault == "never_ends" and summary["evaluation"].get("cut") != _EPISODES:
        return f"the summary says {summary['evaluation']}"
    if code == 3 and not ("Bad" in summary["error"] and "\n" not in summary["error"]):
        return f"the summary's error is {summary['error']!r}"
    return None
