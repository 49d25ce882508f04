"""Run names: which runs are seeds of one setting, and which part of the names is shared."""

import pytest

from rl.tensorboard.plugin.names import named


@pytest.mark.parametrize(
    ("run", "config", "seed"),
    [
        ("study/combiner=pcgrad,seed=0", "study/combiner=pcgrad", 0),
        ("study/combiner-pcgrad__seed-0", "study/combiner-pcgrad", 0),
        ("default/combiner-pcgrad__optimizer.learning_rate-1e-05__seed-31", None, 31),
        ("combiner=pcgrad,seed=12", "combiner=pcgrad", 12),
        ("default/seed=3", "default", 3),
        ("default/seed-3", "default", 3),
        ("seed=3", ".", 3),
        (".", ".", None),
        ("a/seed=3/b", "a/seed=3/b", None),
        ("noseed=3", "noseed=3", None),
        ("seed=3,a=1", "seed=3,a=1", None),
        ("a=1,seed=x", "a=1,seed=x", None),
        ("ppo_seed3", "ppo", 3),
        ("ppo/Seed_3", "ppo", 3),
        ("my ppo seed 3", "my ppo", 3),
        ("a,seed=" + "9" * 100, "a,seed=" + "9" * 100, None),
    ],
)
def test_a_setting_is_a_runs_name_without_the_seed(run, config, seed):
    name = named([run])[run]
    assert (name.config, name.seed) == (config or run.rsplit("__", 1)[0], seed)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        # One folder, nothing shared: the folder is the heading, and a run without overrides is `defaults`.
        (
            ["default/combiner-pcgrad__seed-0", "default/gamma-0.9__seed-0", "default/seed-0"],
            [("default/", "combiner-pcgrad"), ("default/", "gamma-0.9"), ("default/", "defaults")],
        ),
        # Pairs that most names have are shared in any place; a name that lacks one of them shares nothing.
        (
            ["d/a=1,e=c,s=9,seed=0", "d/a=2,e=c,s=9,seed=0", "d/e=c,s=9,seed=0", "d/e=c,s=7,seed=0"],
            [("d/e=c, s=9", "a=1"), ("d/e=c, s=9", "a=2"), ("d/e=c, s=9", "defaults"), ("d/", "e=c, s=7")],
        ),
        (["d/a-1__e-c__seed-0", "d/a-2__e-c__seed-0"], [("d/e-c", "a-1"), ("d/e-c", "a-2")]),
        # Other names: the words at their beginning, and no part of a number.
        (["ppo_lr_0.1_seed1", "ppo_lr_0.3_seed1"], [("ppo_lr_", "0.1"), ("ppo_lr_", "0.3")]),
        (["lr-1e-3", "lr-1e-4"], [("lr-", "1e-3"), ("lr-", "1e-4")]),
        (["ppo", "ppo_lr3"], [("", "ppo"), ("", "ppo_lr3")]),
        # A folder with nothing but seeds is the setting.
        (["x/ppo/seed0", "x/ppo/seed1", "x/sac/seed0"], [("x/", "ppo"), ("x/", "ppo"), ("x/", "sac")]),
        (["only"], [("", "only")]),
        (["seed=3"], [("", ".")]),
    ],
    ids=lambda part: str(part[0])[:30],
)
def test_the_shared_part_of_names_becomes_the_heading(runs, expected):
    found = named(runs)
    assert [(found[run].heading, found[run].label) for run in runs] == expected
