"""Wrong inputs, one or two at a time, checked inside this process or given as command lines."""

import re
import shutil
from collections.abc import Iterator
from typing import NamedTuple

import hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import OverrideParseException
from omegaconf import DictConfig

from faulting.campaign import Setting
from faulting.commands import Process, ended
from faulting.small_runs import COMPILED
from faulting.tried import shortened
from faulting.wrong_inputs import WrongInput, wrong_inputs
from rl.commands.choices import choices_of
from rl.config_files import CONFIGS

_GROUPS = ("agent", "combiner", "environment", "frozen", "network", "optimizer", "probe", "experiment")
_EXTRA = {"environment=gymnasium": ("environment.id=CartPole-v1",)}
_ANY_KEYS = ("frozen", "environment.kwargs")
"""Mappings that accept any keys."""
_CHECKED, _COMMANDS, _TOGETHER = 1900, 100, 0.25
_OWN = 20  # one of this many command lines is a process of its own


class _Case(NamedTuple):
    choice: tuple[str, ...]
    wrong: tuple[WrongInput, ...]
    as_command: bool

    @property
    def label(self) -> str:
        text = " ".join([*self.choice, *(f"{one.key}={one.value!r:.40}" for one in self.wrong)])
        return f"{'command line ' if self.as_command else ''}{text}"


class Inputs:
    """A case is one wrong value or two. It must be answered by a sentence that names a key, and leave no file."""

    def __init__(self, setting: Setting):
        self._setting = setting
        self._configs: dict[tuple[str, ...], DictConfig] = {}
        chance = setting.chance("inputs")
        single = list(self._single())
        alone = [case for case in single if _survives_a_shell(case.wrong[0])]
        checked, commands = (40, 3) if setting.short else (_CHECKED, _COMMANDS)
        pairs = int(_TOGETHER * checked)
        self._cases = chance.sample(single, checked - pairs)
        for one in chance.sample(single, pairs):
            two = chance.choice([other for other in chance.sample(single, 200) if _apart(one, other)] or [one])
            self._cases.append(one._replace(wrong=(*one.wrong, *two.wrong)))
        self._cases += [case._replace(as_command=True) for case in chance.sample(alone, commands)]
        self.labels = [case.label for case in self._cases]

    def fault(self, number: int) -> str | None:
        """Checks the config or runs the command line."""
        case = self._cases[number]
        return shortened_or_none(self._command(case, number) if case.as_command else self._checked(case))

    def close(self) -> None:
        """Nothing is shared."""

    def _single(self) -> Iterator[_Case]:
        seen = set()
        for group in _GROUPS:
            for name in choices_of(group):
                choice = (f"{group}={name}", *_EXTRA.get(f"{group}={name}", ()))
                with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
                    config = self._configs[choice] = hydra.compose("train", overrides=list(choice))
                for wrong in wrong_inputs(config, ""):
                    told = (wrong.key, repr(wrong.value), repr(config.get(wrong.key.split(".")[0])))
                    if wrong.key not in _ANY_KEYS and told not in seen:
                        seen.add(told)
                        yield _Case(choice, (wrong,), as_command=False)

    def _checked(self, case: _Case) -> str | None:
        from rl.commands.parts import parts_of
        from rl.errors import ConfigError

        config = self._configs[case.choice]
        for wrong in case.wrong:
            config = wrong.put_into(config)
        try:
            parts_of(config)
        except ConfigError as error:
            return _not_a_sentence(str(error), case)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return "it passes"

    def _command(self, case: _Case, number: int) -> str | None:
        folder = self._setting.folder / "case"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        arguments = [
            *(one for one in COMPILED if not _decides(one, case)),
            *case.choice,
            *(w.override for w in case.wrong),
        ]
        if number % _OWN == 0:
            outcome = Process(folder, "train.py", *arguments, own=True).wait()
        else:
            outcome = ended(folder, "train.py", *arguments)
        if outcome.traceback or outcome.code != 2:
            return f"exit code {outcome.code}: {outcome.printed[-200:]}"
        if left := [path.name for path in folder.rglob("*")]:
            return f"left: {left}"
        return _not_a_sentence(outcome.printed.strip(), case, lines=6)


def shortened_or_none(fault: str | None) -> str | None:
    """A fault, shortened for the table; None where there is none."""
    return fault and shortened(fault)


def _not_a_sentence(message: str, case: _Case, *, lines: int = 1) -> str | None:
    """What is wrong with a message, in words; None where it is a sentence that names a key."""
    if not any(re.search(rf"\b{re.escape(wrong.key)}\b", message) for wrong in case.wrong):
        return f"names no key: {message}"
    if len(message.splitlines()) > lines or len(message) > 1000:
        return f"no sentence: {message}"
    return None


def _apart(one: _Case, other: _Case) -> bool:
    """Whether the second value can be put into the config of the first: neither key equals or contains the other."""
    a, b = one.wrong[0].key, other.wrong[0].key
    root = b.split(".")[0]
    return root not in _GROUPS and not (a == b or a.startswith(f"{b}.") or b.startswith(f"{a}."))


def _decides(override: str, case: _Case) -> bool:
    """Whether an override of the small runs sets a key that the case chooses or gives."""
    key = override.split("=", maxsplit=1)[0]
    given = [*(choice.split("=")[0] for choice in case.choice), *(wrong.key for wrong in case.wrong)]
    return any(key == one or key.startswith(f"{one}.") or one.startswith(f"{key}.") for one in given)


def _survives_a_shell(wrong: WrongInput) -> bool:
    """Whether Hydra reads the same value from a command line, and it is still wrong."""
    try:
        (override,) = OverridesParser.create().parse_overrides([wrong.override])
    except OverrideParseException:
        return False
    read = override.value()
    same = type(read) is type(wrong.value) and repr(read) == repr(wrong.value)
    return same and read not in ({}, [])
