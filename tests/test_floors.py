"""A room imports only rooms on lower floors, and outside libraries only where they belong."""

import ast
import re
from pathlib import Path

import pytest

FLOORS = {
    "estimators": 1,
    "distributions": 1,
    "environments": 1,
    "frozen": 1,
    "gradients": 1,
    "networks": 2,
    "updates": 2,
    "sources": 2,
    "agents": 3,
    "tensorboard": 3,
    "learning": 4,
    "instruments": 5,
    "runs": 6,
    "reports": 7,
    "commands": 8,
    "library": 9,
}
KEPT_TO = {"hydra": {"commands"}, "omegaconf": {"commands"}, "gymnasium": {"environments"}}
ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "rl").rglob("*.py"))


def imports(file: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    return names


def room(file: Path) -> str:
    parts = file.relative_to(ROOT / "rl").parts
    return parts[0] if len(parts) > 1 else ""


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_go_down(file):
    here = room(file)
    for name in imports(file):
        parts = name.split(".")
        if parts[0] == "rl" and len(parts) > 1 and parts[1] in FLOORS and here:
            there = parts[1]
            assert there == here or FLOORS[there] < FLOORS[here], f"{file.name} imports {name}"
        if parts[0] in KEPT_TO:
            assert here in KEPT_TO[parts[0]], f"{file.name} imports {name}"


def test_tensorboard_sees_gradients_and_combiners_alone():
    for file in (ROOT / "rl" / "tensorboard").rglob("*.py"):
        for name in imports(file):
            if name.startswith("rl.") and not name.startswith("rl.tensorboard"):
                assert name.startswith(
                    (
                        "rl.gradients",
                        "rl.updates.combiners",
                        "rl.errors",
                        "rl.config_files",
                        "rl.plain_json",
                        "rl.reductions",
                    )
                )


def test_combiners_see_numbers_only():
    for file in (ROOT / "rl" / "updates" / "combiners").rglob("*.py"):
        assert "GradientTape" not in file.read_text()
        assert "tf.Variable" not in file.read_text()


def test_summaries_are_written_in_tensorboard_alone():
    writers = {room(file) for file in FILES if "tf.summary" in file.read_text()}
    assert writers == {"tensorboard"}


def test_every_room_is_on_a_floor():
    rooms = {folder.name for folder in (ROOT / "rl").iterdir() if folder.is_dir() and (folder / "__init__.py").exists()}
    assert rooms == set(FLOORS)


def test_no_file_says_nothing_by_its_name():
    assert not [file for file in FILES if file.stem in {"utils", "util", "common", "helpers", "misc"}]


def test_tensorboard_names_no_objective_group_or_head():
    """The agent names them; every chart takes the names from the run's legend or from its tags."""
    names = re.compile(r"""["'`/](policy|value|entropy|actor|critic)["'`/|-]""")
    for file in (ROOT / "rl" / "tensorboard").rglob("*"):
        if file.suffix in {".py", ".js"}:
            found = names.findall(file.read_text().replace('WhichOneof("value")', ""))
            assert not found, file
