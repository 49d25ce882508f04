"""inspect_gradients.py compare on run directories written by hand: runs that are not complete, or cannot be read."""

import json

import pytest
from inside import call

SUMMARY = {"status": "running", "steps": 0, "updates": 0, "wall_seconds": 0.0, "steps_per_second": 0.0}


def write_run(folder, rows=3, **changes):
    """A run directory whose summary is that of its beginning, with a row for every hundred steps."""
    folder.mkdir()
    (folder / "summary.json").write_text(json.dumps(SUMMARY | {"evaluation": None} | changes))
    lines = ["step,episode/return", *(f"{100 * (k + 1)},{k + 1}" for k in range(rows))]
    (folder / "metrics.csv").write_text("\n".join(lines) + "\n")
    return folder


def cells(printed):
    """{run: its other cells}."""
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if "│" in line]
    return {first: rest for first, *rest in lines}


def test_steps_are_those_of_the_log(root, tmp_path):
    write_run(tmp_path / "killed", rows=12)
    write_run(tmp_path / "begun", rows=0)
    with (tmp_path / "killed" / "metrics.csv").open("a") as handle:
        handle.write("1300,")
    result = call(root, tmp_path, "inspect_gradients.py", "compare", "killed", "begun")
    assert result.returncode == 0, result.stderr
    assert cells(result.stdout)["killed"][:3] == ["1,200", "–", "12.0"]
    assert cells(result.stdout)["begun"][0] == "0"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("step,episode/return\n100,1\n200,x\n", "metrics.csv is damaged at line 3"),
        ("step,episode/return\n100,1\n300,1\n200,1\n", "metrics.csv is damaged at line 4"),
        ("", "metrics.csv is damaged: its first line does not name the columns"),
        (b"\xff\xfe\n", "metrics.csv is damaged: it is not text"),
    ],
)
def test_a_run_that_cannot_be_read_is_named_and_the_others_are_shown(root, tmp_path, content, why):
    write_run(tmp_path / "good")
    bad = write_run(tmp_path / "bad") / "metrics.csv"
    bad.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = call(root, tmp_path, "inspect_gradients.py", "compare", "good", "bad", "nowhere")
    assert result.returncode == 0, result.stderr
    assert f"left out: bad/{why}" in result.stderr
    assert "left out: nowhere is not a run directory" in result.stderr
    shown = cells(result.stdout)
    assert shown["good"][0] == "300"
    assert "bad" not in shown
    refused = call(root, tmp_path, "inspect_gradients.py", "compare", "bad", "nowhere")
    assert refused.returncode == 2
    assert f"bad/{why}" in refused.stderr
    assert "nowhere is not a run directory" in refused.stderr
