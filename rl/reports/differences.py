"""The config keys in which the runs of a report differ."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from rl.reports.runs import ReportedRun


def differing(runs: Sequence[ReportedRun]) -> list[str]:
    """The keys whose values differ between runs in the same environment, as few as tell all of them apart.

    Left out are keys inside a config group that are the same in all runs with the same choice of the group, since the
    choice tells those apart, and keys that always equal another key of the same name, as normalize.gamma equals
    agent.gamma. Keys that differ only between environments are not compared.

    Returns: dotted config keys and names of config groups, in the order of the runs' configs.
    """
    by_task: dict[str, list[ReportedRun]] = defaultdict(list)
    for run in runs:
        by_task[run.task].append(run)
    found = {key: None for of_task in by_task.values() for key in _differing_here(of_task)}
    keys = [key for key in dict.fromkeys(key for run in runs for key in run.parts) if key in found]
    return [key for place, key in enumerate(keys) if not any(_follows(key, other, runs) for other in keys[:place])]


def _differing_here(runs: Sequence[ReportedRun]) -> list[str]:
    """The keys that differ between the runs of one environment, without those that a group's choice explains."""
    keys = dict.fromkeys(key for run in runs for key in run.parts)
    found = [key for key in keys if len({run.parts.get(key) for run in runs}) > 1]
    groups = {group for run in runs for group in run.choices}
    chosen = [key for key in found if key in groups]
    return [key for key in found if not any(_explains(group, key, runs) for group in chosen)]


def _explains(group: str, key: str, runs: Sequence[ReportedRun]) -> bool:
    """Whether a key inside a config group has one value for each choice of the group."""
    if not key.startswith(f"{group.replace('/', '.')}."):
        return False
    values: Mapping[Any, set] = defaultdict(set)
    for run in runs:
        values[run.parts.get(group)].add(run.parts.get(key))
    return all(len(of_choice) == 1 for of_choice in values.values())


def _follows(key: str, other: str, runs: Sequence[ReportedRun]) -> bool:
    """Whether a key equals another one in every run, and has the same last part."""
    same_name = key.rpartition(".")[2] == other.rpartition(".")[2]
    return same_name and all(run.parts.get(key) == run.parts.get(other) for run in runs)
