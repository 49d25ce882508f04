"""Short names of settings: the values that differ from the usual ones, such as `combiner=pcgrad, gamma=0.9`."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rl.reports.differences import differing
from rl.reports.runs import ReportedRun
from rl.tensorboard.plugin.names import DEFAULTS

_MANY_KEYS = 3
_LONGEST_VALUE = 28
Scope = tuple[str, str] | None
"""(config group, option) within which other values are usual; None for all runs."""


class Naming(NamedTuple):
    """How the settings of a report are told apart and named.

    keys: those in which runs in the same environment differ. usual: {scope: {key: the value that names leave out}}.
    experiment: the usual option of the group `experiment`; None where names leave nothing out. short: {key: its form in
    names}. names: {values of the keys: name}.
    """

    keys: tuple[str, ...]
    usual: Mapping[Scope, Mapping[str, str | None]]
    experiment: str | None
    short: Mapping[str, str]
    names: Mapping[tuple[str | None, ...], str]

    def values(self, run: ReportedRun) -> tuple[str | None, ...]:
        """A run's setting: its value of each key, None where it lacks the key."""
        return tuple(run.parts.get(key) for key in self.keys)

    def name(self, run: ReportedRun) -> str:
        """The name of a run's setting."""
        return self.names[self.values(run)]


def naming(runs: Sequence[ReportedRun]) -> Naming:
    """The names of the runs' settings, by all keys in which they differ.

    With three or more such keys, names leave out the value that more than half of the settings have. The majority is
    taken within a choice: within agent=a2c it is that of the settings with A2C. With fewer keys every value is written.
    Names are unique; those that would be equal are numbered.
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


def _usual(settings: Sequence[ReportedRun], keys: Sequence[str], experiment: str) -> dict[Scope, dict[str, str | None]]:
    """{scope: {key: usual value}}: the usual options of config groups, and the usual values within each unusual option.

    Args:
        settings: one run of each setting; experiment: the usual option of the group `experiment`.
    """
    groups = [key for key in keys if any(key in run.choices for run in settings)]
    choices: dict[Scope, dict[str, str | None]] = {
        None: {key: value for key in groups for value in _majority(settings, key)}
    }
    scoped: dict[Scope, dict[str, list[ReportedRun]]] = defaultdict(lambda: defaultdict(list))
    for run in settings:
        for key in keys:
            scoped[_scope(run, key, choices, experiment)][key].append(run)
    usual = {
        scope: {key: value for key, members in by_key.items() for value in _majority(members, key)}
        for scope, by_key in scoped.items()
    }
    return {None: {}} | usual


def _majority(settings: Sequence[ReportedRun], key: str) -> list[str | None]:
    """[the value that more than half of the settings have], or nothing."""
    value, times = Counter(run.parts.get(key) for run in settings).most_common(1)[0]
    return [value] if 2 * times > len(settings) else []


def _scope(run: ReportedRun, key: str, usual: Mapping[Scope, Mapping[str, str | None]], experiment: str) -> Scope:
    """The scope in which a run's value of a key is compared with the usual one.

    It is the run's experiment if that is unusual, its option of the config group that the key belongs to if that is
    unusual, and all runs otherwise.
    """
    if run.choices.get("experiment", "") != experiment:
        return ("experiment", run.choices.get("experiment", ""))
    group = key.split(".", 1)[0]
    choice = run.choices.get(group)
    if choice is None or key == group or group not in usual[None] or choice == usual[None][group]:
        return None
    return (group, choice)


def _name(run: ReportedRun, how: Naming) -> str:
    """The run's values that are not usual, joined by commas."""
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
    """Numbers the names that several settings share, such as those that differ only in a truncated part of a value."""
    times, seen, unique = Counter(names.values()), Counter(), {}
    for values, name in names.items():
        seen[name] += 1
        unique[values] = name if times[name] == 1 else f"{name} ({seen[name]})"
    return unique


def _short(key: str, known: Mapping[str, None]) -> str:
    """The last part of a key, or the last two if it has more; the whole key if another one has the same ending."""
    parts = key.split(".")
    ending = ".".join(parts[-2:] if len(parts) > 2 else parts[-1:])
    others = [other for other in known if other != key and (other == ending or other.endswith(f".{ending}"))]
    return key if others or len(ending) < 3 else ending


def _cut(value: str) -> str:
    """A value, truncated to 28 characters."""
    return value if len(value) <= _LONGEST_VALUE else f"{value[: _LONGEST_VALUE - 1]}…"
