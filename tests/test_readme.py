"""The README's examples, run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).resolve().parent.parent / "README.md").read_text()
SHORT = ("steps=2048", "num_envs=4", "evaluation.episodes=4")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def run(arguments, folder, root):
    environment = {**os.environ, "PYTHONPATH": str(root)}
    result = subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize("code", blocks("python"))
def test_python_examples_run(code, root, tmp_path):
    run([sys.executable, "-c", code], tmp_path, root)


def test_shell_examples_run(root, tmp_path):
    """In their order, in one folder; training is cut short."""
    import shlex

    for line in "".join(blocks("sh")).splitlines():
        python, script, *arguments = shlex.split(line)
        assert python == "python"
        if script.endswith("train.py"):
            arguments += SHORT
        run([sys.executable, str(root / script), *(_shortened(a) for a in arguments)], tmp_path, root)


def _shortened(argument):
    """The directory that a shortened run has: its name holds what was changed."""
    if not argument.startswith("runs/"):
        return argument
    return argument.replace("combiner=pcgrad,", "combiner=pcgrad,evaluation.episodes=4,num_envs=4,").replace(
        ",seed=", ",steps=2048,seed="
    )


def test_every_place_that_the_readme_names_exists(root):
    for place in re.findall(r"`((?:rl|configs|scripts|tests|experiments)/[\w/.]*)`", README):
        assert (root / place).exists(), place
    for picture in re.findall(r"\]\((experiments/[^)]*)\)", README):
        assert (root / picture).exists(), picture
