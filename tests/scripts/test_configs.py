"""Every config composes and instantiates, and runs are named by what they are."""

import json
import shlex
import urllib.parse

import hydra
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from rl.commands.composition import build
from rl.commands.run_names import ARGUMENTS, JOURNAL, flat, former_job_name, job_name, run_directory_name
from rl.config_files import CONFIGS

NESTED = {
    "agent/bootstrap",
    "agent/exploration",
}  # groups within a group; elsewhere a folder within one is part of the choice's name
CHOICES = [
    (folder.name, file.relative_to(folder).with_suffix("").as_posix())
    for folder in sorted(CONFIGS.iterdir())
    if folder.is_dir()
    for file in sorted(folder.rglob("[!_]*.yaml"))
    if file.parent.relative_to(CONFIGS).as_posix() not in NESTED
] + [(group, file.stem) for group in sorted(NESTED) for file in sorted((CONFIGS / group).glob("[!_]*.yaml"))]
OFF_POLICY = {
    "sac": ["agent=sac", "environment=compiled/pendulum"],
    "td3": ["agent=td3", "environment=compiled/pendulum"],
    "ddpg": ["agent=ddpg", "environment=compiled/pendulum"],
    "mpo": ["agent=mpo", "environment=compiled/pendulum"],
    "sac_discrete": ["agent=sac_discrete", "environment=compiled/cartpole"],
}
LEARNT = {
    **{agent: {"q_0", "q_1", "policy", "temperature"} for agent in ("sac", "sac_discrete")},
    "td3": {"q_0", "q_1", "policy"},
    "ddpg": {"q_0", "policy"},
    "mpo": {"q_0", "q_1", "policy", "temperature", "penalty_mean", "penalty_std"},
}
EXTRA = {
    **{("agent", agent): overrides for agent, overrides in OFF_POLICY.items()},
    **{
        ("frozen", choice): OFF_POLICY[agent]
        for choice, agent in (("off_policy", "sac"), ("td3", "td3"), ("mpo", "mpo"))
    },
    **{("agent/exploration", choice): OFF_POLICY["sac"] for choice in ("noise", "correlated", "gsde")},
    **{("replay", choice): OFF_POLICY["sac"] for choice in ("uniform", "prioritized")},
    ("combiner", "critics_only"): [*OFF_POLICY["sac"], "network.shared=true"],
    ("network", "off_policy"): OFF_POLICY["sac"],
    ("network", "pixels"): ["agent=sac", "environment=compiled/reacher"],
    ("network", "minatar"): ["environment=compiled/minatar/breakout"],
    ("environment", "gymnasium"): ["environment.id=CartPole-v1"],
    ("probe", "oracle"): ["environment=compiled/tabular/chain"],
    **{("frozen", choice): ["agent.bootstrap.of=target"] for choice in ("target_hard", "target_polyak")},
    ("frozen", "lagged"): ["agent=impala"],
    ("frozen", "ppg"): ["agent=ppg"],
    ("auxiliary", "self_prediction"): ["frozen=target_polyak"],
    **{("agent/bootstrap", choice): ["frozen=target_hard"] for choice in ("residual", "tdc", "tdrc")},
}


@pytest.mark.parametrize(("group", "choice"), CHOICES)
def test_every_choice_builds_an_experiment_that_passes_the_audit(compose, group, choice):
    extra = EXTRA.get((group, choice), [])
    config = compose(f"{group}={choice}", *extra, *(["replay.capacity=2_000"] if group != "replay" else []))
    tables = build(config).audit()  # {update: {objective: {weight: kind}}}
    own = {"tdc": {"correction"}, "tdrc": {"correction"}, "ppg": {"refit", "clone"}}
    own |= {choice: {choice}} if group == "auxiliary" else {}
    found = {objective for table in tables.values() for objective in table}
    agent = next((own.removeprefix("agent=") for own in extra if own.startswith("agent=")), choice)
    assert found == LEARNT.get(agent, {"policy", "value", "entropy"} | own.get(choice, set()))


def test_every_number_says_what_it_means_once():
    """A key of a choice has a comment on its line, there or in the file that the choice builds upon."""
    silent = []
    for folder in (folder for folder in CONFIGS.iterdir() if folder.is_dir() and folder.name != "experiment"):
        explained, plain = set(), {}
        for file in folder.rglob("*.yaml"):
            for line in file.read_text().splitlines():
                key, _, value = line.strip().partition(":")
                if (
                    value.strip()
                    and not line.strip().startswith(("#", "- "))
                    and key not in {"_target_", "_convert_", "defaults"}
                ):
                    explained |= {key} if "#" in line else set()
                    plain[key] = f"{file.relative_to(CONFIGS)}: {line}"
        silent += [line for key, line in plain.items() if key not in explained]
    assert silent == []


def named(compose, *overrides):
    root = hydra.compose("train", overrides=list(overrides), return_hydra_config=True)
    return job_name(root)


def test_a_choice_in_a_folder_of_ones_own_is_named_like_any_other(compose, tmp_path):
    compose()
    (tmp_path / "combiner").mkdir()
    (tmp_path / "combiner" / "mine.yaml").write_text("defaults: [sum, _self_]\nrow_weights: [1, 0.5]\n")
    own = ("combiner=mine", f"hydra.searchpath=['file://{tmp_path}']")
    assert named(compose, *own) == "combiner-mine__seed-0"
    assert named(compose, *own, "combiner.scope=layer") == "combiner-mine__combiner.scope-layer__seed-0"


def test_an_auxiliary_objective_of_ones_own_is_named_like_any_other(compose, tmp_path):
    compose()
    (tmp_path / "auxiliary").mkdir()
    text = (CONFIGS / "auxiliary" / "termination.yaml").read_text()
    (tmp_path / "auxiliary" / "mine.yaml").write_text(text.replace("termination:", "mine:"))
    own = f"hydra.searchpath=['file://{tmp_path}']"
    assert named(compose, "auxiliary=[mine]", own) == "auxiliary-mine__seed-0"
    assert named(compose, "auxiliary=[termination,mine]", own) == "auxiliary-mine_termination__seed-0"


def test_a_job_is_named_by_what_differs_then_by_its_seed(compose):
    compose()
    assert named(compose) == "seed-0"
    assert named(compose, "seed=4", "combiner=pcgrad") == "combiner-pcgrad__seed-4"
    assert (
        named(compose, "optimizer.learning_rate=0.001", "agent=a2c")
        == "agent-a2c__optimizer.learning_rate-0.001__seed-0"
    )


def test_auxiliary_objectives_chosen_together_are_one_part_of_the_name(compose):
    compose()
    name = named(compose, "auxiliary=[termination,decorrelation]", "auxiliary.termination.coefficient=2")
    assert name == "auxiliary-decorrelation_termination__auxiliary.termination.coefficient-2__seed-0"
    assert named(compose, "auxiliary=[decorrelation,termination]", "auxiliary.termination.coefficient=2.0") == name
    assert named(compose, "auxiliary=termination") == "auxiliary-termination__seed-0"


def test_names_are_by_resolved_values_and_not_by_spelling_or_order(compose):
    compose()
    assert named(compose, "steps=200_000", "num_envs=4") == named(compose, "num_envs=4", "steps=200000")
    assert named(compose, "steps=500_000", "agent.gamma=0.990") == "seed-0"
    assert named(compose, "optimizer=adam", "optimizer.learning_rate=2.5e-4") == "seed-0"


def test_a_group_within_a_group_makes_no_folder(compose):
    compose()
    name = named(compose, "agent/bootstrap=residual", "agent.bootstrap.eta=0.5", "frozen=target_hard")
    assert name == "agent.bootstrap-residual__agent.bootstrap.eta-0.5__frozen-target_hard__seed-0"


def test_an_overlay_changes_the_root_and_an_override_changes_the_overlay(compose):
    config = compose("experiment=cleanrl")
    assert (config.num_envs, config.normalize.rewards, config.network.shared) == (4, False, False)
    assert compose("experiment=cleanrl", "num_envs=16", "network.shared=true").num_envs == 16


def test_an_overlay_is_the_folder_and_not_part_of_the_name(compose):
    compose()
    assert named(compose, "experiment=cleanrl") == "seed-0"
    assert named(compose, "experiment=cleanrl", "network.shared=true") == "network.shared-true__seed-0"


def test_what_does_not_change_the_training_is_not_in_the_name(compose):
    compose()
    unimportant = ("fresh=true", "threads=2", "logging.progress=false", "probe=all", "probe.samples=8")
    kept = ("evaluation.episodes=7", "logging.every_steps=3", "checkpoint.every_steps=5", "checkpoint.keep=1")
    assert named(compose, *unimportant, *kept) == "seed-0"


def test_what_follows_another_value_is_not_named_and_a_key_put_into_a_mapping_is(compose):
    compose()
    assert named(compose, "agent.gamma=0.9") == "agent.gamma-0.9__seed-0"
    assert named(compose, "agent.gamma=0.9", "normalize.gamma=0.9") == "agent.gamma-0.9__normalize.gamma-0.9__seed-0"
    assert named(compose, "+environment.kwargs.obs=img") == "environment.kwargs.obs-img__seed-0"


@pytest.mark.parametrize(
    "overrides",
    [
        ["combiner=pcgrad", "optimizer.learning_rate=1e-5", "seed=12"],
        ["agent.coefficients.entropy=-0.5", "network.torso.widths=[64,32]", "steps=1000"],
        ["environment=gymnasium", "environment.id=ALE/Pong-v5", "+environment.kwargs.text='a b=c,d$e#f'"],
        ["optimizer.learning_rate=1e20", "checkpoint.load=runs/default/seed-3", "+optimizer.rates={*/bias:3}"],
        [f"agent.coefficients.{name}=0.{'1' * 30}" for name in ("policy", "value", "entropy")] + ["agent.clip=0.25"],
    ],
)
def test_a_name_can_be_pasted_wherever_one_is_asked_for(compose, overrides):
    """As a value of an override, in a shell, and in a URL it stands for itself."""
    compose()
    path = f"runs/default/{named(compose, *overrides)}"
    (override,) = OverridesParser.create().parse_overrides([f"checkpoint.load={path}"])
    assert override.value() == path
    assert not override.is_sweep_override()
    assert shlex.split(path) == [path]
    assert urllib.parse.quote(path) == urllib.parse.unquote_plus(path) == path


def swept(folder, arguments, *overrides):
    """The config of a job of a sweep with these arguments."""
    (folder / ARGUMENTS).write_text(json.dumps(arguments))
    journal = f"+hydra.job.env_set.{JOURNAL}='{folder}'"
    return hydra.compose("train", overrides=[*overrides, journal], return_hydra_config=True)


def test_what_a_sweep_varies_comes_first_and_survives_the_cut(compose, tmp_path):
    compose()
    fixed = [f"agent.coefficients.{name}=0.{'1' * 60}" for name in ("policy", "value", "entropy")]
    arguments = ["optimizer.learning_rate=1e-3,1e-4", *fixed]
    name = job_name(swept(tmp_path, arguments, "optimizer.learning_rate=1e-4", *fixed))
    assert name.startswith("optimizer.learning_rate-0.0001__")
    assert "__etc-" in name
    assert len(name) < 180


def test_a_run_is_found_under_the_names_that_a_sweep_and_earlier_versions_gave_it(compose, tmp_path):
    compose()
    chosen = ("combiner=pcgrad", "agent.gamma=0.9", "evaluation.episodes=5")
    root = hydra.compose("train", overrides=list(chosen), return_hydra_config=True)
    assert run_directory_name(root, tmp_path) == "agent.gamma-0.9__combiner-pcgrad__seed-0"
    former = "agent.gamma=0.9,combiner=pcgrad,evaluation.episodes=5,normalize.gamma=0.9,seed=0"
    assert former_job_name(root) == former
    (tmp_path / former).mkdir()
    assert run_directory_name(root, tmp_path) == former
    (tmp_path / "combiner-pcgrad__agent.gamma-0.9__seed-1").mkdir()
    (tmp_path / former).rmdir()
    assert run_directory_name(root, tmp_path) == "agent.gamma-0.9__combiner-pcgrad__seed-0"
    (tmp_path / "combiner-pcgrad__agent.gamma-0.9__seed-0").mkdir()
    assert run_directory_name(root, tmp_path) == "combiner-pcgrad__agent.gamma-0.9__seed-0"


def test_long_names_are_cut_to_a_digest_that_tells_them_apart(compose):
    compose()
    many = [
        f"agent.coefficients.{name}=0.{'1' * 30}{digit}" for digit, name in enumerate(("policy", "value", "entropy"))
    ]
    many += [f"network.torso.widths=[{','.join(['64'] * 40)}]"]
    one, other = named(compose, *many), named(compose, *many, "agent.clip=0.3")
    assert len(one) < 200
    assert one != other
    assert one.endswith("__seed-0")


def test_a_long_name_differs_by_the_seed_alone_from_that_of_another_seed(compose):
    long = [
        "agent.rollout_length=32",
        "agent.groups.actor=[entropy,policy]",
        "steps=2_000",
        "optimizer.learning_rate=1e-3",
    ]
    long += ["network.torso.widths=[16,16,16,16,16,16,16]", "agent.differentiate_at=behaviour", "num_envs=24"]
    names = [named(compose, *long, f"seed={seed}") for seed in (1, 10)]
    assert "__etc-" in names[0]
    assert names[0].removesuffix("seed-1") == names[1].removesuffix("seed-10")


def test_values_that_are_close_and_keys_that_are_gone_are_told_apart(compose):
    names = [named(compose, f"agent.clip={value}") for value in ("1.0", "0.9999999", "0.99999999")]
    assert names == [f"agent.clip-{value}__seed-0" for value in ("1", "0.9999999", "0.99999999")]
    assert named(compose, "~normalize.clip") == "normalize.clip-deleted__seed-0"


def test_flat_resolves_interpolations():
    config = OmegaConf.create({"a": {"b": 1, "c": "${a.b}"}, "d": [1, 2]})
    assert flat(config) == {"a.b": 1, "a.c": 1, "d": [1, 2]}
