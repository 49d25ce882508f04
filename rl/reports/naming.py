"""Short names of settings: by what differs from the usual, and nothing else."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rl.reports.differences import differing
from rl.reports.runs import Run
from rl.tensorboard.plugin.names import DEFAULTS

_MANY_KEYS = 3
_LONGEST_VALUE = 28
Scope = tuple[str, str] | None
"""A choice of a group, within which other values are the usual ones; None for all runs."""


class Naming(NamedTuple):
    """How settings are told apart, and what they are called.

    keys: those by which runs in the same environment differ; usual: {scope: {key: the value that goes without saying}};
    experiment: the usual overlay; short: {key: the part of it that says which}; names: {values of the keys: name}.
    """

    keys: tuple[str, ...]
    usual: Mapping[Scope, Mapping[str, str | None]]
    experiment: str | None
    short: Mapping[str, str]
    names: Mapping[tuple[str | None, ...], str]

    def values(self, run: Run) -> tuple[str | None, ...]:
        """The setting of a run: its values of the keys."""
        return tuple(run.parts.get(key) for key in self.keys)

    def name(self, run: Run) -> str:
        """The name of a run's setting."""
        return self.names[self.values(run)]


def naming(runs: Sequence[Run]) -> Naming:
    """By all keys that differ; with three or more of them, a value that most settings have is the usual one.

    What is usual depends on the choice: within agent=a2c it is what most settings of A2C have.
    """
    keys = tuple(differing(runs))
    settings = {tuple(run.parts.get(key) for key in keys): run for run in reversed(runs)}
    experiment, usual = None, {}
    if len(keys) >= _MANY_KEYS:
        experiment = Counter(run.choices.get("experiment", "") for run in settings.values()).most_common(1)[0][0]
        usual = _usual(list(settings.values()), keys, experiment)
    known = dict.fromkeys(key for run in runs for key in run.parts)
    found = Naming(keys, usual, experiment, {key: _short(key, known) for key in keys}, {})
    return found._replace(names=_unique({values: _name(run, found) for values, run in settings.items()}))


def _usual(settings: Sequence[Run], keys: Sequence[str], experiment: str) -> dict[Scope, dict[str, str | None]]:
    """The usual choices first, and then the usual values, within every choice that is not the usual one by itself."""
    groups = [key for key in keys if any(key in run.choices for run in settings)]
    choices: dict[Scope, dict[str, str | None]] = {
        None: {key: value for key in groups for value in _majority(settings, key)}
    }
    scoped: dict[Scope, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in settings:
        for key in keys:
            scoped[_scope(run, key, choices, experiment)][key].append(run)
    usual = {
        scope: {key: value for key, members in by_key.items() for value in _majority(members, key)}
        for scope, by_key in scoped.items()
    }
    return {None: {}} | usual


def _majority(settings: Sequence[Run], key: str) -> list[str | None]:
    """The value that more than half of the settings have, if there is one."""
    value, times = Counter(run.parts.get(key) for run in settings).most_common(1)[0]
    return [value] if 2 * times > len(settings) else []


def _scope(run: Run, key: str, usual: Mapping[Scope, Mapping[str, str | None]], experiment: str) -> Scope:
    """Within which choice the usual value of a run's key is looked for."""
    if run.choices.get("experiment", "") != experiment:
        return ("experiment", run.choices.get("experiment", ""))
    group = key.split(".", 1)[0]
    choice = run.choices.get(group)
    if choice is None or key == group or group not in usual[None] or choice == usual[None][group]:
        return None
    return (group, choice)


def _name(run: Run, how: Naming) -> str:
    parts = []
    if how.usual and run.choices.get("experiment", "") != how.experiment:
        parts.append(f"experiment={run.choices.get('experiment')}")
    for key in how.keys:
        value = run.parts.get(key)
        usual = how.usual.get(_scope(run, key, how.usual, how.experiment), {}) if how.usual else {}
        if value != usual.get(key):
            parts.append(f"{how.short[key]}={_cut(value)}" if value is not None else f"no {how.short[key]}")
    return ", ".join(parts) or (DEFAULTS if how.usual else "all runs")


def _unique(names: Mapping[tuple[str | None, ...], str]) -> dict[tuple[str | None, ...], str]:
    """Names that several settings share are numbered, as where only the ends of long values differ."""
    times, seen, unique = Counter(names.values()), Counter(), {}
    for values, name in names.items():
        seen[name] += 1
        unique[values] = name if times[name] == 1 else f"{name} ({seen[name]})"
    return unique


def _short(key: str, known: Mapping[str, None]) -> str:
    """The last part of a key, or the last two of a longer one, where no other key ends so."""
    parts = key.split(".")
    ending = ".".join(parts[-2:] if len(parts) > 2 else parts[-1:])
    others = [other for other in known if other != key and (other == ending or other.endswith(f".{ending}"))]
    return key if others or len(ending) < 3 else ending


def _cut(value: str) -> str:
    return value if len(value) <= _LONGEST_VALUE else f"{value[: _LONGEST_VALUE - 1]}…"
