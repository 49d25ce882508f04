"""The README's examples, run as they stand."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import processes
import pytest

README = (Path(__file__).resolve().parent.parent / "README.md").read_text()
REMEMBERING = ["agent.ticks=64", "agent.warmup_steps=256", "agent.update_to_data=0.25", "agent.batch_size=16"]
SHORT = ("steps=2048", "num_envs=4", "evaluation.episodes=4", "probe.names=[norms]")
QUICK = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}  # compiles in two thirds of the time
TAPESTRY = (sys.executable, "-c", "from rl.commands.main import main; main()")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def environment(folder, root):
    return {**QUICK, "PYTHONPATH": os.pathsep.join((str(root), str(folder)))}


def run(arguments, folder, root):
    """A new interpreter."""
    variables = {**os.environ, **environment(folder, root)}
    result = subprocess.run(
        arguments, cwd=folder, env=variables, capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("code", blocks("python"))
def test_python_examples_run(code, root, tmp_path):
    run([sys.executable, "-c", code], tmp_path, root)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the reader's shell is, with the files that the README shows: their first line is their name."""
    shell = tmp_path_factory.mktemp("shell")
    for block in (*blocks("python"), *blocks("yaml")):
        if named := re.match(r"# (\S+\.\w+)\n", block):
            (shell / named[1]).parent.mkdir(parents=True, exist_ok=True)
            (shell / named[1]).write_text(block)
    return shell


@pytest.mark.parametrize("block", blocks("sh"))
def test_shell_examples_run(block, root, folder):
    """In their order, in one folder; training is cut short and looks at little."""
    for line in block.splitlines():
        program, command, *arguments = shlex.split(line)
        assert program in ("python", "tapestry")
        if command in ("scripts/train.py", "train"):
            arguments += [*SHORT, *(["agent.auxiliary_every=2"] if "agent=ppg" in arguments else [])]
            arguments += REMEMBERING if {"agent=sac", "agent=td3"} & set(arguments) else []
        arguments = [_shortened(argument, folder) for argument in arguments]
        if program == "tapestry":
            run([*TAPESTRY, command, *arguments], folder, root)
        else:
            script = str((root / command).relative_to(root / "scripts"))
            processes.run(folder, script, *arguments, environment=environment(folder, root))


def _shortened(argument, folder):
    """The directory that a shortened run has: its name holds what was changed as well."""
    if not argument.startswith("runs/") or (folder / argument).is_dir():
        return argument
    path = folder / argument
    (run,) = (run for run in path.parent.iterdir() if set(path.name.split("__")) <= set(run.name.split("__")))
    return str(run)


def test_every_place_that_the_readme_names_exists(root):
    for place in re.findall(r"`((?:rl|configs|scripts|tests|experiments)/[\w/.]*)`", README):
        assert (root / place).exists(), place
    for picture in re.findall(r"\]\((experiments/[^)]*)\)", README):
        assert (root / picture).exists(), picture
