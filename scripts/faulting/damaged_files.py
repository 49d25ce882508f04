"""Every file of a run directory, damaged in every way, and the commands that read it."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from faulting.campaign import Setting
from faulting.commands import Ended, ended
from faulting.comparison import differences
from faulting.snapshots import snapshots
from faulting.tried import TRIED, runs_in, shortened, whole

_FILES = (
    "summary.json",
    "metrics.csv",
    "events.out.tfevents.*",
    "checkpoints/checkpoint_*.npz",  # the newest
    "checkpoints/best.npz",
    ".hydra/config.yaml",
    ".hydra/hydra.yaml",
    ".hydra/overrides.yaml",
    ".tapestry",
    ".lock",
)


def _cut(file: Path, chance: random.Random) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: chance.randrange(len(content))] if content else b"")


def _flip(file: Path, chance: random.Random) -> None:
    content = bytearray(file.read_bytes())
    if content:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    file.write_bytes(content)


def _folder(file: Path, _: random.Random) -> None:
    file.unlink()
    file.mkdir()


def _link(file: Path, _: random.Random) -> None:
    file.unlink()
    file.symlink_to("nowhere")


def _types(file: Path, _: random.Random) -> None:
    """Turns the numbers of a JSON mapping into texts and its texts into lists; another file becomes a JSON list."""
    try:
        told = json.loads(file.read_text())
    except ValueError:
        told = [1, "a", None]
    changed = (
        {key: [value] if isinstance(value, str) else str(value) for key, value in told.items()}
        if isinstance(told, dict)
        else told
    )
    file.write_text(json.dumps(changed))


DAMAGES: dict[str, Callable[[Path, random.Random], None]] = {
    "missing": lambda file, _: file.unlink(),
    "empty": lambda file, _: file.write_bytes(b""),
    "cut": _cut,
    "flipped": _flip,
    "garbage": lambda file, chance: file.write_bytes(chance.randbytes(300)),
    "folder": _folder,
    "link": _link,
    "types": _types,
}
COMMANDS = ("train", "evaluate", "rows", "report")
_READS = {
    "evaluate": ("evaluate.py", ("RUN", "--json")),
    "rows": ("inspect_gradients.py", ("rows", "RUN", "--out", "out")),
    "report": ("report.py", ("runs", "--out", "report")),
}


class DamagedFiles:
    """A case is a damaged file and a command, which must refuse in one sentence, report a loss, or lose nothing."""

    def __init__(self, setting: Setting):
        self._setting = setting
        cases = [(file, damage, command) for file in _FILES for damage in DAMAGES for command in COMMANDS]
        short = [("metrics.csv", "garbage", "train"), ("summary.json", "types", "train"), _A_FLIPPED_CHECKPOINT]
        self._cases = short if setting.short else cases
        self.labels = [f"{command}, {file} {damage}" for file, damage, command in self._cases]
        self._begun: Path | None = None

    def fault(self, number: int) -> str | None:
        """Damages the file and runs the command."""
        pattern, damage, command = self._cases[number]
        folder = self._setting.folder / "case"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self._half_way() if command == "train" else whole(TRIED["compiled"], self._setting), folder)
        (run,) = runs_in(folder).values()
        file = max(run.glob(pattern), default=run / pattern)
        file.touch()
        DAMAGES[damage](file, self._setting.chance(number))
        if command == "train":
            return self._trained(TRIED["compiled"].run(folder), run, folder, file)
        return self._read(command, folder, run, file)

    def close(self) -> None:
        """Nothing is shared."""

    def _trained(self, outcome: Ended, run: Path, folder: Path, file: Path) -> str | None:
        """What is wrong after training, in words: it must complete the run, refuse it, or report what is lost."""
        printed = shortened(outcome.printed[-250:])
        if outcome.traceback or outcome.code not in (0, 2, 4):
            return f"exit code {outcome.code}: {printed}"
        if outcome.code == 2:
            return None if "error: " in outcome.printed else f"exit code 2 without a sentence: {printed}"
        unlike = differences(run, *runs_in(whole(TRIED["compiled"], self._setting)).values())
        if not unlike:
            return None
        said = outcome.code == 4 or file.name in outcome.printed or "lost" in outcome.printed
        return None if said else shortened(f"silent: {'; '.join(unlike)}")

    def _read(self, command: str, folder: Path, run: Path, file: Path) -> str | None:
        script, arguments = _READS[command]
        here = run.relative_to(folder).as_posix()
        given = [here if one == "RUN" else one for one in arguments]
        outcome = ended(folder, script, *given)
        printed = shortened(outcome.printed[-250:])
        if outcome.traceback or outcome.code not in (0, 2):
            return f"exit code {outcome.code}: {printed}"
        if outcome.code == 2:
            return None if "error: " in outcome.printed else f"exit code 2 without a sentence: {printed}"
        if outcome.printed == self._undamaged(command) or "a later one is missing" in outcome.printed:
            return None
        if command == "report":  # its pages differ, and report which run could not be read
            return None
        return f"silent: another result: {printed}"

    def _undamaged(self, command: str) -> str:
        file = self._setting.folder / f"printed_{command}"
        if not file.exists():
            folder = self._setting.folder / "undamaged"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(whole(TRIED["compiled"], self._setting), folder)
            (run,) = runs_in(folder).values()
            script, arguments = _READS[command]
            given = [run.relative_to(folder).as_posix() if one == "RUN" else one for one in arguments]
            file.write_text(ended(folder, script, *given).printed)
        return file.read_text()

    def _half_way(self) -> Path:
        """A folder with a run that was killed after its second checkpoint, made once."""
        if self._begun is None:
            tried, into = TRIED["compiled"], self._setting.folder / "half_way"
            folder = tried.begin(self._setting, "run_half_way")
            shutil.rmtree(into, ignore_errors=True)
            with snapshots(folder / "runs", into) as taken:
                tried.run(folder)
            state = next(s for _, s in taken if len([*s.glob("default/*/checkpoints/checkpoint_*.npz")]) == 2)
            self._begun = self._setting.folder / "begun"
            shutil.rmtree(self._begun, ignore_errors=True)
            shutil.copytree(state, self._begun / "runs")
        return self._begun


_A_FLIPPED_CHECKPOINT = ("checkpoints/checkpoint_*.npz", "flipped", "train")
