"""The command line before Hydra parses it: sweeps, options that a sweep varies, and paths that need quotes."""

import difflib
from collections.abc import Sequence
from pathlib import Path

from rl.commands.choices import choices_of

_PATHS = ("extend=", "load.path=", "checkpoint.load=", "hydra.run.dir=", "hydra.sweep.dir=")
"""Overrides whose value is a path."""


def with_quoted_path(argument: str) -> str:
    """Quotes the value of an override if it is an existing path with `,` or `=`, which Hydra would parse.

    Earlier versions gave run directories such names, and people paste them: `checkpoint.load=runs/default/seed=3`. Any
    other argument is returned unchanged.
    """
    key = next((key for key in _PATHS if argument.startswith(key)), None)
    path = argument.removeprefix(key or "")
    plain = not {"'", '"', "\\", "$"} & set(path)
    return f"{key}'{path}'" if key and plain and {",", "="} & set(path) and Path(path).exists() else argument


def asks_for_a_sweep(argument: str) -> bool:
    """Whether an argument is -m, --multirun, an abbreviation that Hydra accepts, or hydra.mode=MULTIRUN."""
    return (
        argument == "-m"
        or (len(argument) > 3 and "--multirun".startswith(argument))
        or argument == "hydra.mode=MULTIRUN"
    )


def unknown_choice(overrides: Sequence[str], folders: Sequence[Path]) -> str | None:
    """A sentence on the first option that no config folder offers; None where there is none.

    Hydra would abort a whole sweep at that job, and the jobs after it would never start; of a wrong name in a list of
    options it would not say which there are, and of no other which is the nearest.

    Args:
        overrides: `group=option,…` or `key=value,…` of the command line.
        folders: the config folders, this package's first. With hydra.searchpath there are others, and nothing is
            checked.
    """
    if any(given.lstrip("+").startswith("hydra.searchpath=") for given in overrides):
        return None
    for given in overrides:
        key, _, values = given.partition("=")
        offered = choices_of(key)
        for value in values.split(",") if offered and not set("(){}$'\"\\") & set(values) else ():
            choice = value.strip("[] ")
            files = [folder / key / f"{choice}.yaml" for folder in folders]
            if choice not in ("", *offered) and not any(file.exists() for file in files):
                every = list(dict.fromkeys(name for folder in folders for name in choices_of(key, folder)))
                close = difflib.get_close_matches(choice, every, n=1, cutoff=0.7)
                meant = f"; did you mean {close[0]}?" if close else "."
                return f"{key}={choice} is no choice of configs/{key}: there are {', '.join(every)}{meant}"
    return None


def quoted_text(text: str) -> str:
    """A text in the quotes of Hydra's override grammar."""
    return "'" + text.replace("'", "\\'") + "'"
