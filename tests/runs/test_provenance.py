"""The commit that a run records is the code's own."""

import subprocess

import rl
from rl.runs import provenance


def git(folder, *arguments):
    named = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    return subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_a_repository_around_an_installed_package_is_not_its_own(tmp_path, monkeypatch):
    """As where an environment lies within a project: its files are not tracked there, ignored or not."""
    package = tmp_path / "venv" / "rl" / "__init__.py"
    package.parent.mkdir(parents=True)
    package.write_text("")
    (tmp_path / "study.py").write_text("")
    git(tmp_path, "init", "-q")
    monkeypatch.setattr(rl, "__file__", str(package))
    commit = provenance.git_commit.__wrapped__
    assert commit() is None  # no commit yet
    git(tmp_path, "add", "study.py")
    git(tmp_path, "commit", "-qm", "a study")
    assert commit() is None
    git(tmp_path, "add", "venv")
    git(tmp_path, "commit", "-qm", "the package")
    assert commit() == git(tmp_path, "rev-parse", "HEAD").strip()
    package.write_text("changed = True\n")
    assert commit() == git(tmp_path, "rev-parse", "HEAD").strip() + "+changes"
