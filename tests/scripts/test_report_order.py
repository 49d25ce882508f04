"""How a report names settings, orders them, and tells the best from the others."""

import numpy as np
import pytest

from rl.reports.groups import Group, grouped
from rl.reports.naming import naming
from rl.reports.ranking import best_in_words, interval, ranked
from rl.reports.runs import ReportedRun
from rl.reports.statistics import Estimate, curves
from rl.reports.tables import listed, number, shown
from rl.runs.reader import Metrics

CHOICES = {"agent": "ppo", "environment": "compiled/cartpole", "combiner": "sum", "experiment": "default"}


def run(seed=0, score=1.0, status="completed", task="cartpole", choices=None, **parts):
    """A run with one iteration; keys are given with __ for their dots."""
    choices = CHOICES | (choices or {})
    named = {group: choices[group] for group in ("agent", "combiner")}
    parts = named | {key.replace("__", "."): str(value) for key, value in parts.items()}
    columns = {"step": np.array([10.0]), "episode/return": np.array([score]), "episode/count": np.array([1.0])}
    metrics = Metrics(columns if status == "completed" else {})
    return ReportedRun(None, task, seed, status, {}, choices, parts, metrics)


def settings(*runs):
    """{environment: [(name, seeds, missing)]}."""
    found = grouped(runs, naming(runs))
    return {
        task: [(group.name, [one.seed for one in group.runs], group.missing) for group in groups]
        for task, groups in found.items()
    }


def test_only_settings_that_exist_are_listed():
    runs = [run(combiner_key=value, task=task) for task, value in (("a", 1), ("a", 2), ("b", 3), ("b", 4), ("b", 1))]
    assert {task: len(of_task) for task, of_task in settings(*runs).items()} == {"a": 2, "b": 3}


def test_numbers_stand_in_the_order_of_numbers_and_before_words():
    values = ("1e-2", "3e-4", "10.0", "0.001", "9", "linear", "-2")
    (found,) = settings(*(run(optimizer__learning_rate=value) for value in values)).values()
    assert [name.split("=")[1] for name, *_ in found] == ["-2", "3e-4", "0.001", "1e-2", "9", "10.0", "linear"]


def test_a_name_has_what_differs_from_the_usual_alone():
    usual = {"agent__gamma": 0.99, "agent__epochs": 4, "optimizer__learning_rate": 1e-3, "seed_of": 0}
    runs = [
        run(seed=0, **usual),
        run(**usual | {"agent__gamma": 0.9}),
        run(**usual | {"optimizer__learning_rate": 1e-2}),
        run(**usual | {"seed_of": 1}),
        run(choices={"agent": "a2c"}, **usual | {"agent__epochs": 1, "agent__gamma": 0.5}),
        run(choices={"agent": "a2c"}, **usual | {"agent__epochs": 1, "agent__gamma": 0.5, "seed_of": 2}),
        run(choices={"experiment": "cleanrl"}, **usual | {"agent__epochs": 10, "agent__gamma": 0.8}),
    ]
    (found,) = settings(*runs).values()
    assert {name for name, *_ in found} == {
        "defaults",
        "gamma=0.9",
        "learning_rate=0.01",
        "seed_of=1",
        "agent=a2c",
        "agent=a2c, seed_of=2",
        "experiment=cleanrl",
    }


def test_a_key_that_follows_another_does_not_name():
    runs = [run(agent__gamma=value, normalize__gamma=value) for value in (0.9, 0.99)]
    assert naming(runs).keys == ("agent.gamma",)
    apart = [*runs, run(agent__gamma=0.9, normalize__gamma=1.0)]
    assert naming(apart).keys == ("agent.gamma", "normalize.gamma")


def test_long_values_are_cut_and_names_stay_apart():
    (found,) = settings(run(probe__names="x" * 100 + "a"), run(probe__names="x" * 100 + "b")).values()
    names = [name for name, *_ in found]
    assert len(set(names)) == 2
    assert max(map(len, names)) < 60


def test_a_seed_is_missing_where_the_settings_of_the_same_sweep_have_it():
    sweep = [run(seed=seed, agent__gamma=gamma) for gamma in (0.8, 0.9, 0.99) for seed in range(3)]
    sweep = [one for one in sweep if (one.parts["agent.gamma"], one.seed) != ("0.9", 1)]
    alone = run(seed=7, agent__gamma=0.5, agent__epochs=3)
    found = {name: missing for name, _, missing in settings(*sweep, alone)["cartpole"]}
    assert found["gamma=0.9"] == (1,)
    assert [missing for name, missing in found.items() if name != "gamma=0.9"] == [()] * 3


def scores(*means, seeds=5, spread=0.1):
    random = np.random.default_rng(0)
    return {f"{mean:g}": mean + spread * random.normal(size=(seeds, 1)) for mean in means}


def test_the_best_stands_first_and_what_cannot_be_told_from_it_is_said():
    found = {one.name: one for one in ranked(scores(1, 10, 10.01, 5), {})}
    assert [*found][:2] in (["10", "10.01"], ["10.01", "10"])
    assert [*found][2:] == ["5", "1"]
    best, second, *others = found.values()
    assert best.verdict == "best"
    assert second.verdict.startswith("not separated: ")
    assert {one.verdict for one in others} == {"worse"}


def test_the_best_is_the_best_of_those_with_seeds_enough():
    of_one = scores(100, seeds=1)
    first, second, third = ranked({**scores(1, 10), **of_one}, {})
    assert (first.name, first.verdict, interval(first)) == ("100", "too few seeds to tell", "none:\xa01\xa0seed")
    assert (second.name, second.verdict) == ("10", "best")
    assert third.verdict == "worse"
    assert " to " in interval(second).replace("\xa0", " ")


def test_equal_scores_tie_and_only_those_with_seeds_enough_may_be_best():
    enough, few = {name: np.full((5, 1), 500.0) for name in "ab"}, {"c": np.full((2, 1), 500.0)}
    found = ranked(enough | few | {"d": np.full((5, 1), 1.0)}, {})
    assert [(one.name, one.verdict, one.may_be_best) for one in found] == [
        ("a", "one of 3 that tie", True),
        ("b", "one of 3 that tie", True),
        ("c", "one of 3 that tie", False),
        ("d", "worse", False),
    ]
    assert best_in_words(found) == ("3 settings tie at 500.0", "500.0")
    assert best_in_words([]) == ("–", "–")


def test_none_is_best_where_none_has_seeds_enough():
    first, second = ranked(scores(1, 10, seeds=2), {})
    assert (first.verdict, second.verdict) == ("highest, with too few seeds to tell", "too few seeds to tell")
    assert (first.may_be_best, second.may_be_best) == (False, False)
    assert best_in_words([first, second])[0] == "10 (too few seeds to tell)"
    (alone,) = ranked(scores(1, seeds=2), {})
    assert (alone.verdict, best_in_words([alone])[0]) == ("the only one", "1")


@pytest.mark.parametrize(
    ("x", "text"), [(0, "0.0"), (98.12, "98.1"), (-1234.5, "−1234.5"), (5.02e11, "5.02e+11"), (4.96e-7, "4.96e−07")]
)
def test_numbers_of_all_sizes_can_be_read(x, text):
    assert number(x) == text


def test_few_words_for_many_things():
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert shown(Estimate(1.0, 0.5, 2.0), ".2f") == "1.00 (0.50 to 2.00)"
    assert shown(Estimate(1.0, float("nan"), float("nan"))) == "1.0"


def test_a_curve_weighs_by_episodes_and_keeps_the_newest_where_none_ended():
    """Two iterations a point: 99 episodes of mean 10 and one of 100; in the last point none ended."""
    columns = {
        "step": np.arange(1.0, 51.0),
        "episode/return": np.array([10.0, 100.0] * 24 + [np.nan] * 2),
        "episode/count": np.array([99.0, 1.0] * 24 + [0.0] * 2),
    }
    group = Group("all runs", "cartpole", (run()._replace(metrics=Metrics(columns)),))
    found = curves(group, "episode/return")
    np.testing.assert_allclose(found["mean"], np.full(25, 10.9), rtol=1e-12)
    assert np.isnan(found["iqm_low"]).all()
    started_late = columns | {"episode/return": np.array([np.nan] * 2 + [10.0, 100.0] * 24)}
    found = curves(group._replace(runs=(run()._replace(metrics=Metrics(started_late)),)), "episode/return")
    np.testing.assert_allclose(found["step"], np.arange(3.0, 50.0, 2.0))
