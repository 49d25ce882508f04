"""The wheel, installed where there is no repository: `tapestry` does what the scripts do here, bit for bit."""

import csv
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import NamedTuple

import inside
import numpy as np
import pytest
from processes import SMALL, the_run, train

RUN = ("environment=compiled/cartpole", "probe=none", "steps=1024", "threads=1")


class Installed(NamedTuple):
    """A virtual environment with the wheel in it, and an empty folder to work in."""

    venv: Path
    folder: Path
    cache: Path

    def run(self, program, *arguments, code=0):
        """Runs one of the environment's programs in the folder; no path leads to the repository."""
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        # As many threads as the tests' own process has, so that sums round alike.
        environment |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "COLUMNS": "200"}
        result = subprocess.run(
            [str(self.venv / "bin" / program), *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert result.returncode == code, result.stdout + result.stderr
        assert "Traceback" not in result.stderr
        return result


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    """The wheel, built from copies, so that nothing is left in the repository and nothing left there gets in."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("rl", "configs"):
        shutil.copytree(root / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(root / name, source / name)
    options = ("--no-build-isolation", "--no-deps", "--no-index", "--quiet", "--wheel-dir", str(folder))
    _pip("wheel", *options, str(source))
    (file,) = folder.glob("*.whl")
    return file


def _pip(*arguments):
    """Runs pip where it does not find the repository, whose editable install would pass for the wheel's."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    result = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A new environment that has the wheel, and sees the libraries of this one but not its installed `rl`."""
    place = tmp_path_factory.mktemp("installed")
    venv, folder = place / "venv", place / "empty"
    folder.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / "bin" / "python"
    _pip("--python", str(python), "install", "--ignore-installed", "--no-deps", "--no-index", "--quiet", str(wheel))
    (packages,) = venv.glob("lib/python*/site-packages")
    # A path file within another site-packages is not read: an editable install there stays out of sight.
    libraries = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (packages / "libraries.pth").write_text("\n".join(libraries))
    return Installed(venv, folder, place / "cache")


@pytest.fixture(scope="module")
def runs(root, installed, tmp_path_factory):
    """(the run of scripts/train.py, the run of `tapestry train`) with the same overrides."""
    options = (*RUN, f"compilation_cache={installed.cache}")
    here = tmp_path_factory.mktemp("repository")
    train(root, here, *options)
    said = installed.run("tapestry", "train", *SMALL, *options).stdout
    assert "Greedy evaluation" in said
    return the_run(here / "runs" / "default"), the_run(installed.folder / "runs" / "default")


def test_it_holds_every_config_and_every_file_that_the_package_reads(root, wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for file in (root / "configs").rglob("*.yaml"):
        assert f"rl/configs/{file.relative_to(root / 'configs').as_posix()}" in names
    for file in (root / "rl").rglob("*"):
        if file.is_file() and file.name != "README.md" and file.suffix != ".pyc":
            assert file.relative_to(root).as_posix() in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"rl", "tapestry_rl"}


def test_the_package_and_its_tensorboard_tab_come_from_the_environment(installed):
    code = """
import importlib.metadata, json, pathlib, rl
from rl.config_files import CONFIGS
(tab,) = importlib.metadata.entry_points(group="tensorboard_plugins", name="gradients")
from rl.tensorboard.plugin import plugin
print(json.dumps([rl.__file__, str(CONFIGS), tab.load().__name__, plugin.__file__, tab.dist.version]))
"""
    package, configs, loader, plugin, version = json.loads(installed.run("python", "-c", code).stdout)
    assert all(Path(place).is_relative_to(installed.venv) for place in (package, configs, plugin))
    assert (loader, version) == ("Loader", "0.1.0")
    assert (Path(plugin).parent / "static" / "index.js").is_file()


def test_help_and_errors_name_the_command_as_it_was_called(installed):
    printed = installed.run("tapestry", "--help").stdout
    for command in ("train", "evaluate", "inspect", "report", "export", "tags"):
        assert f"\n  {command} " in printed
    assert "'trian' is no command of tapestry" in installed.run("tapestry", "trian", code=2).stderr
    training = installed.run("tapestry", "train", "--help").stdout
    assert "tapestry train combiner=pcgrad" in training
    assert f"stand beside it in {installed.venv.resolve()}" in training.replace("\n", " ")
    usage = installed.run("tapestry", "evaluate", code=2).stderr
    assert usage.startswith("usage: tapestry evaluate ")
    assert "scripts/" not in printed + training + usage


def test_it_trains_the_same_weights_in_a_directory_of_the_same_name(runs):
    here, there = runs
    assert here.name == there.name
    newest = [max((run / "checkpoints").glob("checkpoint_*.npz")) for run in runs]
    assert newest[0].name == newest[1].name
    with np.load(newest[0]) as a, np.load(newest[1]) as b:
        assert a.files == b.files
        for name in a.files:
            if name != "__meta__":
                np.testing.assert_array_equal(a[name], b[name], err_msg=name)
    summaries = [json.loads((run / "summary.json").read_text()) for run in runs]
    assert summaries[0]["evaluation"] == summaries[1]["evaluation"]
    assert summaries[1]["git_commit"] is None  # no repository is near


def test_it_evaluates_and_inspects_as_the_scripts_do(root, runs, installed, tmp_path):
    _, run = runs
    place = run.relative_to(installed.folder).as_posix()
    options = (place, "--episodes", "3", "--json")
    said = installed.run("tapestry", "evaluate", *options).stdout
    assert json.loads(said) == json.loads(inside.call(root, installed.folder, "evaluate.py", *options).stdout)
    installed.run("tapestry", "inspect", "rows", place, "--out", "theirs")
    inside.call(root, installed.folder, "inspect_gradients.py", "rows", place, "--out", str(tmp_path / "ours"))
    tables = [folder / "rows.csv" for folder in (installed.folder / "theirs", tmp_path / "ours")]
    rows = [list(csv.reader(table.open())) for table in tables]
    assert rows[0] == rows[1]
    assert "torso/dense_0/kernel" in installed.run("tapestry", "inspect", "audit", "network.shared=true").stdout


def test_it_reports(runs, installed):
    said = installed.run("tapestry", "report", "runs", "--out", "report").stdout
    assert said.startswith("1 run, 1 group. Written: ")
    assert "compiled/cartpole" in (installed.folder / "report" / "report.md").read_text()
