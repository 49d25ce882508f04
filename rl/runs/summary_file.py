"""summary.json: the status and the results of a run; one reader, which validates, and one writer.

    {"status": "completed", "steps": 500224, "updates": 7816, "wall_seconds": 14.1, "steps_per_second": 54336.2,
     "evaluation": {"mean": 500.0, "std": 0.0, "iqm": 500.0, "episodes": 100, "cut": 0}, "seed": 0, …}

It is replaced as a whole at the start of a run, at its end, and when it is interrupted or fails.
"""

import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rl import plain_json
from rl.errors import ConfigError, DamagedError

STATUSES = ("running", "completed", "interrupted", "failed")
"""A run that a crash stopped stays `running`."""


def read_summary(file: Path) -> dict[str, Any]:
    """The content of a summary.json.

    Returns:
        status: one of `STATUSES`.
        steps, updates: environment steps and learner updates done.
        wall_seconds: since the run began, excluding interruptions; steps_per_second: of training alone.
        evaluation: {mean, std, episodes, and in most files iqm and cut} of the undiscounted greedy returns at the end,
            with None for non-finite numbers; None before the end.
        In most files also seed, threads, versions, git_commit, and lengths, the environment steps asked for at the
            start and by every extension; where they apply error, a sentence, lost, a list of sentences on what could
            not be restored, and starting_over.
    Raises: DamagedError, saying which key is wrong and what is allowed; ConfigError where the file cannot be read.
    """
    try:
        summary = json.loads(file.read_text(encoding="utf-8"), parse_constant=_refuse)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{file} is damaged: it is not valid JSON ({error}).") from None
    if wrong := _first_mistake(summary):
        raise DamagedError(f"{file} is damaged: {wrong}.")
    return summary


def write_summary(file: Path, summary: dict[str, Any]) -> None:
    """Replaces the file atomically, after flushing it to disk; non-finite numbers become null.

    summary: with the keys that `read_summary` describes; it is not validated.
    Raises: OSError where the file cannot be written.
    """
    partial = file.with_name(f"{file.name}.partial")
    with partial.open("w", encoding="utf-8") as handle:
        handle.write(plain_json.dumps(summary, indent=2) + "\n")
        handle.flush()
        os.fsync(handle.fileno())
    partial.replace(file)


def greedy_return(summary: Mapping[str, Any]) -> float:
    """The mean undiscounted return of the last greedy evaluation; NaN where there is none or it is not finite."""
    mean = (summary.get("evaluation") or {}).get("mean")
    return math.nan if mean is None else float(mean)


def _first_mistake(summary: Any) -> str | None:
    """What is wrong with the first key that is wrong or missing; None for a sound summary."""
    if not isinstance(summary, dict):
        return f"it holds {_shown(summary)}, and no object"
    mistake = _mistake_in(summary, _REQUIRED, _OPTIONAL)
    if mistake is None and summary["evaluation"] is not None:
        mistake = _mistake_in(
            summary["evaluation"], _IN_AN_EVALUATION, _OPTIONAL_IN_AN_EVALUATION, prefix="evaluation."
        )
    return mistake


def _mistake_in(
    node: Mapping[str, Any], required: Mapping[str, "_Field"], optional: Mapping[str, "_Field"], *, prefix: str = ""
) -> str | None:
    """What is wrong with the first field that is wrong or missing; optional fields may be missing.

    prefix: put before the names of fields in the message.
    """
    present = {key: field for key, field in optional.items() if key in node}
    for key, (test, allowed) in {**required, **present}.items():
        if key not in node or not test(node[key]):
            return f"{prefix}{key} is {_shown(node.get(key, 'missing'))}; it must be {allowed}"
    return None


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    """Whether a value is a finite number; booleans are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_number_or_null(value: Any) -> bool:
    return value is None or _is_number(value)


def _refuse(constant: str) -> float:
    """Rejects NaN and Infinity, which Python's parser accepts although JSON does not define them."""
    raise ValueError(f"it holds {constant}")


_Field = tuple[Callable[[Any], bool], str]
"""(test of a value, the allowed values in words)."""
_COUNT: _Field = (_is_count, "a whole number from 0 on")
_NUMBER: _Field = (_is_number, "a finite number")
_NUMBER_OR_NULL: _Field = (_is_number_or_null, "a finite number or null")

_REQUIRED: Mapping[str, _Field] = {
    "status": (lambda x: x in STATUSES, f"one of {', '.join(STATUSES)}"),
    "steps": _COUNT,
    "updates": _COUNT,
    "wall_seconds": _NUMBER,
    "steps_per_second": _NUMBER,
    "evaluation": (lambda x: x is None or isinstance(x, dict), "null or an object"),
}
_OPTIONAL: Mapping[str, _Field] = {
    "seed": _COUNT,
    "lengths": (lambda x: isinstance(x, list) and all(map(_is_count, x)), "a list of whole numbers from 0 on"),
    "threads": _COUNT,
    "versions": (lambda x: isinstance(x, dict) and all(map(_is_text, x.values())), "an object of texts"),
    "git_commit": (lambda x: x is None or _is_text(x), "null or a text"),
    "error": (_is_text, "a text"),
    "lost": (lambda x: isinstance(x, list) and all(map(_is_text, x)), "a list of texts"),
    "starting_over": (lambda x: isinstance(x, bool), "true or false"),
}
_IN_AN_EVALUATION: Mapping[str, _Field] = dict.fromkeys(("mean", "std", "episodes"), _NUMBER_OR_NULL)
_OPTIONAL_IN_AN_EVALUATION: Mapping[str, _Field] = {"iqm": _NUMBER_OR_NULL, "cut": _COUNT}


def _shown(value: Any) -> str:
    """A value as JSON, at most 60 characters of it."""
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
