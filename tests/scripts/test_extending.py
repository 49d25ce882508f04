"""A complete run that is extended equals the run that was given all steps from its start, bit for bit."""

import fcntl
import json
import shutil
import signal

import inside
import numpy as np
import pytest
from faulting.commands import Process, until
from processes import csv_rows
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from rl.tensorboard.event_files import kind_of, read_events

PPO = (
    "environment=compiled/cartpole",
    "optimizer.schedule=constant",
    "logging.every_steps=640",
    "checkpoint.every_steps=1280",
    "evaluation.every_steps=2560",
    "probe.histograms_every_steps=1280",
)
SAC = (
    "environment=compiled/pendulum",
    "agent=sac",
    "agent.rollout_length=1",
    "agent.ticks=16",
    "agent.critic_widths=[8]",
    "agent.batch_size=8",
    "agent.update_to_data=0.25",
    "agent.warmup_steps=128",
    "replay.capacity=400",
    "checkpoint.every_steps=256",
    "probe.histograms_every_steps=256",
)
AGENTS = {"ppo": (PPO, 1920, 3840), "sac": (SAC, 512, 1024)}


train = inside.train


def extend(root, folder, *overrides, check=True):
    """`train` without the overrides of small runs, which a run keeps by itself."""
    result = inside.call(root, folder, "train.py", *overrides)
    assert not check or result.returncode == 0, result.stdout + result.stderr
    return result


def arrays(run):
    files = sorted((run / "checkpoints").glob("*_0*.npz"))
    return {
        f"{file.name}/{name}": array for file in files for name, array in np.load(file).items() if name != "__meta__"
    }


def is_compared(tag, step, end):
    """Whether both runs have the same numbers: neither times nor the evaluation at the end of the first part."""
    return not tag.startswith("time/") and not (tag.startswith("evaluation/") and step == end)


def rows(run, end):
    """metrics.csv; end: the last step of the first part."""
    return [{tag: x for tag, x in row.items() if is_compared(tag, int(row["step"]), end)} for row in csv_rows(run)]


def events(run, end):
    """[(step, kind, {tag: value})] of the event files, sorted; the moment at which a session began is left out."""
    found = []
    for event in read_events(run):
        values = {}
        for value in event.summary.value:
            if value.tag.startswith("_hparams_/"):
                values["hparams"] = "session_end" if event.step else str(sorted(hparams(event)))
            elif is_compared(value.tag, event.step, end):
                values[value.tag] = value.SerializeToString()
        if values:
            found.append((event.step, kind_of(event), values))
    return sorted(found, key=lambda one: (*one[:2], sorted(one[2])))


def hparams(event):
    """The names and values of an event that starts a session of the HParams tab."""
    content = HParamsPluginData.FromString(event.summary.value[0].metadata.plugin_data.content)
    return [(key, str(value)) for key, value in content.session_start_info.hparams.items()]


@pytest.fixture(scope="module", params=AGENTS)
def both(request, root, tmp_path_factory):
    """(the run of all steps, the extended one, the run of half the steps, half the steps) of an agent."""
    overrides, half, full = AGENTS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    train(root, folder, *overrides, f"steps={full}", "hydra.run.dir=whole")
    train(root, folder, *overrides, f"steps={half}", "hydra.run.dir=extended")
    shutil.copytree(folder / "extended", folder / "half")
    printed = extend(root, folder, "extend=extended", f"steps={full}").stdout
    assert f"Going on from step {half:,}." in printed
    return folder / "whole", folder / "extended", folder / "half", half


def test_every_array_of_every_checkpoint_is_the_same_bits(both):
    whole, extended = (arrays(run) for run in both[:2])
    assert whole.keys() == extended.keys()
    assert len(whole) > 30
    for name, array in whole.items():
        np.testing.assert_array_equal(array, extended[name], err_msg=name)


def test_metrics_are_the_same_but_for_one_more_evaluation(both):
    whole, extended, _, half = both
    assert rows(extended, half) == rows(whole, half)
    (at_half,) = [row for row in csv_rows(extended) if int(row["step"]) == half]
    assert at_half["evaluation/return"]
    assert int(csv_rows(whole)[-1]["step"]) == 2 * half


def test_events_are_the_same_but_for_one_more_evaluation(both):
    whole, extended, _, half = both
    one, other = events(whole, half), events(extended, half)
    assert {kind for _, kind, _ in one} == {"scalars", "gramians", "histograms", "other"}
    assert [event[:2] for event in one] == [event[:2] for event in other]
    for a, b in zip(one, other, strict=True):
        assert a == b


def test_both_lengths_are_recorded_and_the_config_is_that_of_the_longer_run(both):
    whole, extended, before, half = both
    assert json.loads((extended / "summary.json").read_text())["lengths"] == [half, 2 * half]
    assert json.loads((whole / "summary.json").read_text())["lengths"] == [2 * half]
    assert json.loads((before / "summary.json").read_text())["lengths"] == [half]
    meta = json.loads(str(np.load(max((extended / "checkpoints").glob("checkpoint_*.npz")))["__meta__"]))
    assert (meta["lengths"], meta["format_version"]) == ([half, 2 * half], 6)
    name = ".hydra/config.yaml"
    assert (extended / name).read_text() == (whole / name).read_text()


LONG = (*PPO, "probe=none", "checkpoint.every_steps=12_800", "evaluation.every_steps=51_200")


def test_a_killed_extension_goes_on_with_the_same_command(root, tmp_path):
    """Two seeds in one program: they are extended, killed and resumed together."""
    train(root, tmp_path, *LONG, "seeds=2", "steps=128_000", "hydra.run.dir=whole")
    train(root, tmp_path, *LONG, "seeds=2", "steps=25_600", "hydra.run.dir=parts")
    runs = [tmp_path / "parts" / f"seed-{seed}" for seed in (0, 1)]
    command = ("extend=parts/seed-0", "steps=128_000")
    process = Process(tmp_path, "train.py", *command)
    assert until(process, lambda: any(runs[1].glob("checkpoints/checkpoint_*51200.npz")))
    process.signal(signal.SIGKILL)
    assert process.wait().code == -signal.SIGKILL
    assert json.loads((runs[0] / "summary.json").read_text())["status"] == "running"
    assert (
        "was extended from 25,600 to 128,000"
        in train(root, tmp_path, *LONG, "seeds=2", "steps=25_600", "hydra.run.dir=parts", check=False).stderr
    )
    printed = extend(root, tmp_path, *command).stdout
    assert "2 seeds in one program" in printed
    assert "Going on from step" in printed
    for run in runs:
        whole = tmp_path / "whole" / run.name
        assert json.loads((run / "summary.json").read_text())["lengths"] == [25_600, 128_000]
        assert rows(run, 25_600) == rows(whole, 25_600)
        assert events(run, 25_600) == events(whole, 25_600)
    assert "These 2 runs are complete" in extend(root, tmp_path, *command).stdout


@pytest.fixture(scope="module")
def half(root, tmp_path_factory):
    """A folder with a complete run `half` of PPO."""
    folder = tmp_path_factory.mktemp("half")
    train(root, folder, *PPO, "steps=1920", "hydra.run.dir=half")
    return folder


def refused(root, folder, *overrides):
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    result = extend(root, folder, *overrides, check=False)
    assert result.returncode == 2, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before
    return result.stderr


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("extend=half",), "extend needs the new length, steps=…, more than the run's 1,920"),
        (("extend=half", "steps=1920"), "steps is 1,920, and half was given 1,920: an extension needs more"),
        (("extend=half", "steps=many"), "steps is 'many'; it must be"),
        (("extend=half", "steps=3840", "agent.gamma=0.9"), "agent.gamma cannot be given with extend"),
        (("extend=half", "steps=3840", "combiner=pcgrad"), "combiner cannot be given with extend"),
        (("extend=half", "steps=3840", "fresh=true"), "fresh cannot be given with extend"),
        (("extend=half", "steps=3840", "hydra.run.dir=there"), "leave out hydra.run.dir"),
        (("-m", "extend=half", "steps=3840"), "one command extends one run"),
        (("extend=there", "steps=3840"), "extend is there, which is not a run directory"),
        (("extend=half", "steps=3840", "seeds=2"), "seeds is 2, but half/seed-0 holds no run"),
    ],
)
def test_what_cannot_be_given_is_refused_by_key(root, half, overrides, message):
    assert message in refused(root, half, *overrides)


def test_a_flag_may_follow(root, half):
    result = inside.call(root, half, "train.py", "extend=half", "steps=3840", "--cfg", "job")
    assert (result.returncode, result.stderr) == (0, "")
    assert "steps: 3840" in result.stdout


def test_a_run_that_another_process_trains_is_refused(root, half):
    with (half / "half" / ".lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert "another process is training" in refused(root, half, "extend=half", "steps=3840")


def changed(half, tmp_path, old, new):
    """A copy of the run whose recorded config says something else."""
    run = shutil.copytree(half / "half", tmp_path / "run")
    for name in ("config.yaml", "overrides.yaml"):
        file = run / ".hydra" / name
        file.write_text(file.read_text().replace(old, new))
    return run


def test_an_annealed_learning_rate_is_refused(root, half, tmp_path):
    changed(half, tmp_path, "schedule: constant", "schedule: linear")
    said = refused(root, tmp_path, "extend=run", "steps=3840")
    assert "optimizer.schedule is linear in run: its learning rate fell to 0 over the 1,920 steps" in said
    assert (
        "needs optimizer.schedule=constant from its start; a new run begins with this one's weights by load.path="
        in said
    )


def test_a_setting_that_follows_the_length_is_refused(root, half, tmp_path):
    run = changed(half, tmp_path, "unfreeze_at: null", "unfreeze_at: 1920")
    (run / ".hydra" / "overrides.yaml").write_text("- optimizer.schedule=constant\n- unfreeze_at=${steps}\n")
    said = refused(root, tmp_path, "extend=run", "steps=3840")
    assert "unfreeze_at follows the total length (steps) in run: it was 1920, and would have been 3840" in said


def test_an_unfinished_run_is_refused(root, half, tmp_path):
    changed(half, tmp_path, "steps: 1920", "steps: 5000")
    said = refused(root, tmp_path, "extend=run", "steps=6000")
    assert "unfinished, at step 1,920 of 5,000: the command that began it resumes it" in said


def test_one_of_several_seeds_in_a_program_is_refused_by_the_first(root, half, tmp_path):
    run = changed(half, tmp_path, "seed: 0", "seed: 2")
    (run / ".hydra" / "overrides.yaml").write_text("- optimizer.schedule=constant\n- seeds=4\n")
    said = refused(root, tmp_path, "extend=run", "steps=3840")
    assert "one of seeds=4 in one program: name the run of its first seed, 0" in said


def test_a_lost_memory_is_refused(root, both, tmp_path):
    _, _, before, half = both
    memories = list((before / "checkpoints").glob("memory_*.npz"))
    if not memories:
        pytest.skip("this agent has no memory")
    run = shutil.copytree(before, tmp_path / "run")
    (memory,) = (run / "checkpoints").glob("memory_*.npz")
    memory.write_bytes(memory.read_bytes()[:1000])
    assert "is not readable: " in refused(root, tmp_path, "extend=run", f"steps={2 * half}")
    memory.unlink()
    said = refused(root, tmp_path, "extend=run", f"steps={2 * half}")
    assert f"{memory.name} is missing: without its memory run would not go on as it was" in said
