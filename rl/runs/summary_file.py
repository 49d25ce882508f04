"""summary.json: how a run stands. One reader, one validation."""

import json
import math
import os
from pathlib import Path
from typing import Any

from rl import plain_json
from rl.errors import ConfigError, DamagedError

STATUSES = ("running", "completed", "interrupted", "failed")
_IN_AN_EVALUATION = ("mean", "std", "episodes")
_COUNTS, _TIMES = ("steps", "updates"), ("wall_seconds", "steps_per_second")


def read_summary(file: Path) -> dict[str, Any]:
    """The summary in a file.

    Raises: DamagedError, saying what is wrong with it; ConfigError where it is missing or cannot be read.
    """
    try:
        summary = json.loads(file.read_text(encoding="utf-8"), parse_constant=_refuse)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{file} is damaged: it is not valid JSON ({error}).") from None
    if wrong := _wrong(summary):
        raise DamagedError(f"{file} is damaged: {wrong}.")
    return summary


def write_summary(file: Path, summary: dict[str, Any]) -> None:
    """Replaces the file in one step; numbers that are not finite become null, which JSON knows."""
    partial = file.with_name(f"{file.name}.partial")
    with partial.open("w", encoding="utf-8") as handle:
        handle.write(plain_json.dumps(summary, indent=2) + "\n")
        handle.flush()
        os.fsync(handle.fileno())
    partial.replace(file)


def _wrong(summary: Any) -> str | None:
    """The first thing that is wrong, in words."""
    if not isinstance(summary, dict):
        return f"it holds {_shown(summary)}, and no object"
    evaluation = summary.get("evaluation", "missing")
    tests = [("status", summary, lambda status: status in STATUSES, f"one of {', '.join(STATUSES)}")]
    tests += [(key, summary, _is_count, "a whole number from 0 on") for key in _COUNTS]
    tests += [(key, summary, _is_number, "a finite number") for key in _TIMES]
    tests += [("evaluation", summary, lambda node: node is None or isinstance(node, dict), "null or an object")]
    if isinstance(evaluation, dict):
        number = "a finite number or null"
        tests += [
            (key, evaluation, lambda x: x is None or _is_number(x), number) for key in ("mean", "std", "episodes")
        ]
        tests += [
            (key, evaluation, test, allowed)
            for key, (test, allowed) in _MAY_BE_IN_AN_EVALUATION.items()
            if key in evaluation
        ]
    tests += [(key, summary, test, allowed) for key, (test, allowed) in _MAY_BE_THERE.items() if key in summary]
    for key, node, test, allowed in tests:
        if key not in node or not test(node[key]):
            name = f"evaluation.{key}" if node is evaluation else key
            return f"{name} is {_shown(node.get(key, 'missing'))}; it must be {allowed}"
    return None


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _refuse(constant: str) -> float:
    raise ValueError(f"it holds {constant}")


_MAY_BE_THERE = {
    "seed": (_is_count, "a whole number from 0 on"),
    "threads": (_is_count, "a whole number from 0 on"),
    "versions": (lambda x: isinstance(x, dict) and all(map(_is_text, x.values())), "an object of texts"),
    "git_commit": (lambda x: x is None or _is_text(x), "null or a text"),
    "error": (_is_text, "a text"),
    "lost": (lambda x: isinstance(x, list) and all(map(_is_text, x)), "a list of texts"),
    "starting_over": (lambda x: isinstance(x, bool), "true or false"),
}
"""{key: (test, what it must be)}: not in every summary, but read where they are."""
_MAY_BE_IN_AN_EVALUATION = {
    "iqm": (lambda x: x is None or _is_number(x), "a finite number or null"),
    "cut": (_is_count, "a whole number from 0 on"),
}


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
