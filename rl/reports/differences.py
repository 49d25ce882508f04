"""Which keys tell the runs of an environment apart."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from rl.reports.runs import Run


def differing(runs: Sequence[Run]) -> list[str]:
    """The keys by which runs in the same environment differ.

    Where a group's choice differs, what the choice explains is left out: keys inside of it that are the same for all
    runs of the same choice. So is a key that follows another of the same name, as normalize.gamma does agent.gamma.
    """
    by_task: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_task[run.task].append(run)
    found = {key: None for of_task in by_task.values() for key in _differing_here(of_task)}
    keys = [key for key in dict.fromkeys(key for run in runs for key in run.parts) if key in found]
    return [key for place, key in enumerate(keys) if not any(_follows(key, other, runs) for other in keys[:place])]


def _differing_here(runs: Sequence[Run]) -> list[str]:
    keys = dict.fromkeys(key for run in runs for key in run.parts)
    found = [key for key in keys if len({run.parts.get(key) for run in runs}) > 1]
    groups = {group for run in runs for group in run.choices}
    chosen = [key for key in found if key in groups]
    return [key for key in found if not any(_explains(group, key, runs) for group in chosen)]


def _explains(group: str, key: str, runs: Sequence[Run]) -> bool:
    if not key.startswith(f"{group.replace('/', '.')}."):
        return False
    values: Mapping[Any, set] = defaultdict(set)
    for run in runs:
        values[run.parts.get(group)].add(run.parts.get(key))
    return all(len(of_choice) == 1 for of_choice in values.values())


def _follows(key: str, other: str, runs: Sequence[Run]) -> bool:
    same_name = key.rpartition(".")[2] == other.rpartition(".")[2]
    return same_name and all(run.parts.get(key) == run.parts.get(other) for run in runs)
