"""Which objectives stand for their groups, and which measures of them were logged: by tags and config, not by names."""

import pytest

from rl.reports.gradients import headings, panels
from rl.reports.objectives import Measure, leading, measures, objectives


def tags_of(*names, reference=None):
    """The tags that the default probes log of some objectives; ratios are to the first one."""
    first = reference or names[0]
    tags = [f"gradient/norm/{name}" for name in names] + ["gradient/norm_ratio/" + f"{x}-{first}" for x in names[1:]]
    tags += [f"gradient/{kind}/{a}-{b}" for kind in ("cosine", "conflict") for a in names for b in names if a < b]
    tags += [f"update/share/{name}" for name in names] + [f"update/cosine/{x}-applied" for x in (*names, "combined")]
    return [*tags, *(f"gradient/norm/{name}/torso/dense_0" for name in names), "update/row_weight/group"]


def settings(coefficients, **groups):
    return {f"agent.coefficients.{name}": c for name, c in coefficients.items()} | {
        f"agent.groups.{group}": list(members) for group, members in groups.items()
    }


def test_objectives_are_those_that_the_tags_name():
    assert objectives(tags_of("a", "b", "c")) == ["a", "b", "c"]
    assert objectives(["update/cosine/combined-applied", "step", "episode/return"]) == []
    assert objectives(["gradient/cosine/a-b"]) == ["a", "b"]
    assert objectives(tags_of("a-1", "b-2")) == ["a-1", "b-2"]  # no pair is split within a name


def test_the_reference_leads_its_group_and_elsewhere_the_largest_coefficient_does():
    given = settings({"a": 0.1, "b": 5.0, "c": 0.2, "d": -0.3}, second=["c", "d"], first=["b", "a"])
    assert leading(tags_of("a", "b", "c", "d"), given) == ("a", "d")  # ratios are to a; |−0.3| is above 0.2
    assert leading(tags_of("b", "a", "c", "d"), given) == ("b", "d")
    only_norms = [f"gradient/norm/{name}" for name in "abcd"]
    assert leading(only_norms, given) == ("d", "b")


def test_of_a_coefficient_that_follows_a_schedule_the_first_value_counts():
    of = settings({"a": 0.1}, first=["a", "b", "c"])
    only_norms = [f"gradient/norm/{name}" for name in "abc"]
    ends = {"agent.coefficients.b.start": 0.0, "agent.coefficients.b.end": 9.0}
    pieces = {"agent.coefficients.c.values": [0.2, 0.0], "agent.coefficients.c.boundaries": [100]}
    assert leading(only_norms, {**of, **ends, **pieces}) == ("c",)
    assert leading(only_norms, {**of, **ends, "agent.coefficients.c.value": 0.05}) == ("a",)


def test_objectives_in_no_group_of_the_config_lead_themselves():
    """They belong to further updates of the agent."""
    of = settings({"a": 1.0, "b": 0.1}, actor=["a", "b"])
    assert leading(tags_of("a", "b", "fit", "keep"), of) == ("a", "fit", "keep")


def test_a_group_without_logged_rows_has_no_leader_and_without_groups_each_objective_is_one():
    assert leading(tags_of("a", "b"), settings({}, one=["a"], two=["b"], three=["c"])) == ("a", "b")
    assert leading(tags_of("a", "b", "c"), {}) == ("a", "b", "c")
    assert leading(["step", "episode/return"], settings({"a": 1.0}, one=["a"])) == ()


def test_the_default_agents_are_compared_by_the_first_objective_of_each_group(compose):
    from rl.commands.run_names import flat

    for agent in ("ppo", "a2c"):
        config = flat(compose(f"agent={agent}"))
        tags = sorted(tags_of("policy", "value", "entropy"))  # as a compiled program returns them
        tags = [*tags, "gradient/cosine/policy-value", "gradient/conflict/policy-value"]
        assert leading(tags, config) == ("policy", "value")


def test_measures_are_those_that_a_run_logged_in_the_order_of_their_kinds():
    found = measures([(("a", "b"), tags_of("a", "b", "c")), (("c",), ["update/share/c"]), ((), ["update/share/x"])])
    assert [measure.tag for measure in found] == [
        "gradient/norm_ratio/b-a",
        "gradient/cosine/a-b",
        "gradient/conflict/a-b",
        "update/share/a",
        "update/share/b",
        "update/share/c",
        "update/cosine/a-applied",
        "update/cosine/b-applied",
    ]
    assert measures([(("b", "a"), ["gradient/cosine/a-b"])]) == [Measure("cosine", ("a", "b"), "gradient/cosine/a-b")]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ("policy", "value"),
            [
                "value row / policy row",
                "cosine",
                "conflict (layers)",
                "policy's share of the step",
                "value's share",
                "−Δw's cosine with the policy's row",
                "with the value's",
            ],
        ),
        (
            ("a", "b", "c"),
            [
                "b row / a row",
                "c row / a row",
                "cosine of a and b",
                "cosine of a and c",
                "cosine of b and c",
                "conflict of a and b (layers)",
                "conflict of a and c (layers)",
                "conflict of b and c (layers)",
                "a's share of the step",
                "b's share",
                "c's share",
                "−Δw's cosine with the a's row",
                "with the b's",
                "with the c's",
            ],
        ),
    ],
)
def test_headings_name_objectives_where_columns_have_to_be_told_apart(names, expected):
    assert headings(measures([(names, tags_of(*names))])) == expected


def test_the_figure_has_a_row_for_each_pair_and_each_share_once():
    drawn = panels(measures([(("a", "b", "c"), tags_of("a", "b", "c"))]))
    assert [[measure.tag for measure in of_pair] for of_pair in drawn] == [
        ["gradient/norm_ratio/b-a", "gradient/cosine/a-b", "update/share/b"],
        ["gradient/norm_ratio/c-a", "gradient/cosine/a-c", "update/share/c"],
        ["gradient/cosine/b-c"],
    ]
