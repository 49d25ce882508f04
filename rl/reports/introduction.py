"""The introduction of a report: its extent, its contents, how to read it, and what was left out.

Nothing is left out silently: damaged directories, unfinished and failed runs with their errors, missing seeds,
duplicates, and runs that completed without a score are listed by name.
"""

import shlex
from collections.abc import Mapping, Sequence

from rl.reports import comparing, statistics
from rl.reports.groups import KINDS, Group, num_runs
from rl.reports.naming import Naming
from rl.reports.page import Page
from rl.reports.ranking import best_in_words, by_score
from rl.reports.runs import Damaged, ReportedRun
from rl.reports.tables import count, listed, ranges

_METHOD = (
    "Intervals are 95 % stratified bootstrap intervals over seeds (rliable; Agarwal et al. 2021), of "
    f"{statistics.REPETITIONS:,} resamples; with fewer than {statistics.FEWEST_SEEDS} seeds there is none, and with "
    "few they are too narrow. A difference counts as supported if the interval of the probability of improvement "
    "leaves out ½ and the Mann-Whitney test is significant after correction for the number of comparisons in that "
    "table (Benjamini and Hochberg 1995), at a false discovery rate of "
    f"{100 * comparing.FALSE_DISCOVERIES:.0f} %. The best of many settings owes part of its score to luck, so that a "
    "new seed of it may well score lower."
)


def introduction(
    page: Page,
    runs: Sequence[ReportedRun],
    damaged: Sequence[Damaged],
    tasks: Mapping[str, Sequence[Group]],
    names: Naming,
    kind: str,
    command: Sequence[str],
) -> None:
    """Writes extent, contents, reading notes and warnings.

    Args:
        runs: all that could be read, including duplicates; damaged: the directories that could not.
        tasks: {environment: its groups}.
        names: how settings are named.
        kind: the score by which settings are compared, one of `KINDS`.
        command: the command line that produced the report, word by word.
    """
    groups = [group for of_task in tasks.values() for group in of_task]
    complete = sum(len(group.runs) for group in groups)
    commits = sorted({str(run.summary.get("git_commit"))[:10] for run in runs})
    versions = sorted({run.summary.get("versions", {}).get("tensorflow", "unknown") for run in runs})
    page.text(
        f"{count(num_runs(groups), 'run')}, {complete} of them completed, of {count(len(groups), 'setting')} in "
        f"{count(len(tasks), 'environment')}{_excluded(groups, damaged)}; "
        f"{'commit' if len(commits) == 1 else 'commits'} {listed(commits)}, "
        f"TensorFlow {listed(versions)}. Settings are compared by: {KINDS[kind]}."
    )
    page.contents(["environment", "settings", "runs", "best setting", KINDS[kind]], _overview(tasks, kind))
    with page.section("How to read it", is_open=False):
        page.text(_METHOD)
        _explain_names(page, names)
        page.text("Made by:")
        page.code(shlex.join(command))
    _notes(page, damaged, tasks, kind)


def _overview(tasks: Mapping[str, Sequence[Group]], kind: str) -> list[list[str]]:
    """The lines of the contents: each environment with its numbers of settings and runs, best setting and score.

    tasks: {environment: its groups}; kind: the score by which settings are compared.
    """
    rows = []
    for task, groups in tasks.items():
        _, found = by_score(groups, kind)
        rows.append([task, str(len(groups)), str(num_runs(groups)), *best_in_words(found)])
    return rows


def _excluded(groups: Sequence[Group], damaged: Sequence[Damaged]) -> str:
    """What the numbers of runs do not include, in parentheses; empty if nothing."""
    doubled = sum(len(group.doubled) for group in groups)
    parts = [count(doubled, "duplicate")] if doubled else []
    parts += [count(len(damaged), "damaged directory")] if damaged else []
    return f" (excluded: {', '.join(parts)})" if parts else ""


def _explain_names(page: Page, names: Naming) -> None:
    """Writes which values the names of settings leave out, for each scope, and which keys they shorten."""
    for scope, usual in names.usual.items():
        values = ", ".join(f"{key}={value}" for key, value in usual.items() if value is not None)
        where = "" if scope is None else f"with {scope[0]}={scope[1]} "
        if values:
            page.text(f"Where a setting's name {where}does not say otherwise: {values}.")
    shortened = [f"{short} is {key}" for key, short in names.short.items() if short != key]
    if shortened:
        page.text(f"In names, {', '.join(shortened)}. runs.csv has all keys in full.")


def _notes(page: Page, damaged: Sequence[Damaged], tasks: Mapping[str, Sequence[Group]], kind: str) -> None:
    """Writes a section that lists damaged, unfinished, missing and doubled runs, and those without a score.

    It is folded if it has more than 12 notes, and left out without any.
    """
    notes = [f"{one.path} is excluded as damaged: {one.why}" for one in damaged]
    notes += [note for task, groups in tasks.items() for group in groups for note in _notes_on(task, group, kind)]
    if notes:
        open_ = len(notes) <= 12
        with page.section("Excluded runs and warnings", note=count(len(notes), "note"), is_open=open_):
            page.items(notes)


def _notes_on(task: str, group: Group, kind: str) -> list[str]:
    """The warnings on one group: unfinished runs with their errors, missing seeds, missing scores, duplicates."""
    notes, place = [], f"{group.name} in {task}"
    for status in dict.fromkeys(run.status for run in group.unfinished):
        of_it = [run for run in group.unfinished if run.status == status]
        errors = dict.fromkeys(str(run.summary["error"]) for run in of_it if "error" in run.summary)
        why = f" ({'; '.join(errors)})" if errors else ""
        notes.append(f"{place}, {_seeds([run.seed for run in of_it])}: {status}{why}")
    if absent := [seed for seed in group.missing if seed not in {run.seed for run in group.unfinished}]:
        notes.append(f"{place}, {_seeds(absent)}: missing, where other settings have them")
    if scoreless := group.scoreless(kind):
        notes.append(f"{place}, {_seeds([run.seed for run in scoreless])}: completed without a score")
    notes += [f"{place}, seed {run.seed}: {run.path} is excluded as a duplicate" for run in group.doubled]
    return notes


def _seeds(seeds: Sequence[int]) -> str:
    """Seeds in words: `seed 3`, `seeds 0 to 4, 7`."""
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {ranges(seeds)}"
