"""The handbook's examples, run as they stand, in one folder and in the order of the texts."""

import itertools
import os
import re
import shlex
import tomllib

import inside
import processes
import pytest
from handbook import ALL, MARK, ROOT

from rl.commands.main import COMMANDS

SHORT = ("steps=2048", "num_envs=4", "evaluation.episodes=4")
PROBED = "hydra.run.dir=runs/pcgrad"
"""The run into which later examples look; the others are trained without probes."""
EXTENDED = "steps=4096"
QUICK = {"XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"}  # in half the time
OF_THE_SHELL = ("cd", "export", "git", "mkdir", "python3", "source")
"""Commands that set up a machine, which the tests' own machine has been."""
FILES = [example for example in ALL if example.file]
RUN = [example for example in ALL if not example.file and example.language in ("python", "sh")]


def named(example):
    return f"{example.text}-{example.number}"


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """Where the reader's shell is, with the files that the texts show."""
    folder = tmp_path_factory.mktemp("shell")
    for example in FILES:
        (folder / example.file).parent.mkdir(parents=True, exist_ok=True)
        (folder / example.file).write_text(example.code)
    return folder


@pytest.mark.parametrize("example", RUN, ids=named)
def test_examples_run(example, shell):
    """Training is cut short and looks at little; a marked command is checked as far as it can be without its work."""
    if example.language == "python":
        _run(shell, _script(shell, example.code))
        return
    for line in example.commands:
        words = [word for word in shlex.split(line, comments=True) if not re.match(r"[A-Z_]+=", word)]
        program, arguments = words[0].rpartition("/")[2], words[1:]
        if program in OF_THE_SHELL:
            continue
        checks = {"tapestry": _tapestry, "python": _python, "tensorboard": _tensorboard, "make": _make, "pip": _pip}
        assert program in checks, line
        checks[program](shell, arguments, marked=example.mark == MARK)


def _run(shell, script, *arguments):
    """A process that need not import TensorFlow anew; the reader has set PYTHONPATH to the folder."""
    places = os.pathsep.join((str(ROOT), str(shell)))
    processes.run(shell, str(script), *arguments, environment={**QUICK, "PYTHONPATH": places})


def _script(shell, code):
    file = shell / ".example.py"
    file.write_text(code)
    return file


def _tapestry(shell, arguments, *, marked):
    """`tapestry <command> …` is the script of that command."""
    command, *arguments = arguments
    _ours(shell, COMMANDS[command].script, arguments, marked=marked)


def _ours(shell, script, arguments, *, marked):
    arguments = [_shortened(argument, shell) for argument in arguments]
    if script == "train.py" and marked:
        told = inside.call(ROOT, shell, "inspect_gradients.py", "audit", *arguments, "replay.capacity=2_000")
        assert told.returncode == 0, told.stdout + told.stderr
        return
    assert not marked, script
    if script == "train.py" and not {"--cfg", "--help"} & set(arguments):
        extends = any(argument.startswith("extend=") for argument in arguments)
        probes = "probe.names=[norms]" if PROBED in arguments else "probe=none"
        arguments = [*arguments, *((EXTENDED,) if extends else (*SHORT, probes))]
    _run(shell, script, *arguments)


def _shortened(argument, shell):
    """The directory that a shortened run has: its name holds what was changed as well."""
    if not argument.startswith("runs/") or (shell / argument).is_dir():
        return argument
    path = shell / argument
    assert path.parent.is_dir(), f"{argument} is trained by an earlier example: run the whole file"
    (run,) = (run for run in path.parent.iterdir() if set(path.name.split("__")) <= set(run.name.split("__")))
    return str(run)


def _python(shell, arguments, *, marked):
    script, *rest = arguments
    if arguments[:2] == ["-m", "pytest"]:
        code = "import sys\nimport pytest\n\nsys.exit(pytest.main(sys.argv[1:]))"
        _run(shell, _script(shell, code), "-q", "-p", "no:cacheprovider", *arguments[2:])
    elif arguments[:2] == ["-m", "pip"]:
        _pip(shell, arguments[2:], marked=marked)
    elif arguments[:2] == ["-m", "venv"]:
        pass
    elif script.startswith("recipes/"):  # tests/recipes runs them, in the environment of each
        code = (ROOT / script).read_text()
        assert all(f'"{flag}"' in code for flag in rest if flag.startswith("--")), script
    elif script.startswith("scripts/") and script.removeprefix("scripts/") in {c.script for c in COMMANDS.values()}:
        _ours(shell, script.removeprefix("scripts/"), rest, marked=marked)
    else:
        assert marked, script
        _offered(shell, script, rest)


def _offered(shell, script, arguments):
    """The help text of a long command names its subcommand and every flag."""
    command = [argument for argument in arguments[:1] if re.fullmatch(r"[a-z_]+", argument)]
    told = inside.call(ROOT, shell, str(ROOT / script), *command, "--help")
    assert told.returncode == 0, told.stdout + told.stderr
    assert all(flag in told.stdout for flag in arguments if flag.startswith("--")), told.stdout


def _tensorboard(shell, arguments, *, marked):
    """The folder that TensorBoard is to show has event files; tests/tensorboard has the rest."""
    folder = arguments[arguments.index("--logdir") + 1]
    assert list((shell / folder).rglob("events.out.tfevents.*")), folder


def _make(shell, arguments, *, marked):
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(arguments) - {a for a in arguments if "=" in a} <= set(targets), arguments


def _pip(shell, arguments, *, marked):
    """The extras that an installation names are those of pyproject.toml, and its files exist."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for asked in re.findall(r"\[([\w,]+)\]", " ".join(arguments)):
        assert set(asked.split(",")) <= set(project["optional-dependencies"]), asked
    for flag, file in itertools.pairwise(arguments):
        assert flag not in ("-r", "-c") or (ROOT / file).exists(), file


def test_the_files_that_the_texts_show_are_each_shown_once():
    names = [example.file for example in FILES]
    assert len(names) == len(set(names))
    assert {"py", "yaml"} <= {name.rpartition(".")[2] for name in names}


def test_a_wrong_example_fails(shell):
    """The checks above can fail: an unknown key, an unknown choice, a program that raises."""
    with pytest.raises(AssertionError, match="comb1ner"):
        _tapestry(shell, ["train", "comb1ner=sum"], marked=True)
    with pytest.raises(AssertionError):
        _run(shell, _script(shell, "raise SystemExit(3)"))
    with pytest.raises(AssertionError):
        _make(shell, ["trian"], marked=False)
