"""Runs that differ in their auxiliary objectives are told apart by the objectives' names."""

import pytest
from faulting.synthetic_runs import Story, write_run

from rl.commands.recorded import recorded
from rl.reports.naming import naming
from rl.reports.runs import find_runs


@pytest.mark.parametrize(
    ("others", "names"),
    [
        (["auxiliary=[termination]"], ["auxiliary=[]", "auxiliary=[termination]"]),
        (
            ["auxiliary=[termination,decorrelation]", "auxiliary=[termination]"],
            ["auxiliary=[]", "auxiliary=[decorrelation,termination]", "auxiliary=[termination]"],
        ),
    ],
)
def test_an_objective_is_named_once(compose, tmp_path, others, names):
    choices = {"agent": "ppo", "environment": "compiled/cartpole", "combiner": "sum", "experiment": "default"}
    for number, override in enumerate([None, *others]):
        config = compose("environment=compiled/cartpole", "steps=4000", *filter(None, [override]))
        write_run(tmp_path / str(number), config, choices, Story(), seed=0)
    runs, damaged = find_runs([tmp_path], recorded)
    assert damaged == []
    assert sorted(naming(runs).name(run) for run in runs) == names
