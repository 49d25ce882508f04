"""The compilation cache on disk: the view, copied programs, removed entries, and failures that it survives."""

import os
import stat
import subprocess
import sys
import zlib

import pytest

from rl import compilation_cache
from rl.compilation_cache import CompilationCache


@pytest.fixture
def opened(tmp_path):
    """Opens a cache in a folder, and closes it at the end of the test."""
    caches = []

    def open_cache(prefix="p_1", folder=tmp_path / "version", **more):
        caches.append(CompilationCache(folder, prefix, **more))
        return caches[-1]

    yield open_cache
    for cache in caches:
        cache.close()


def compile_into(cache, name="p_1__1__2__XLA_CPU_JIT.pb", contents=b"machine code"):
    """Writes an entry into the view as TensorFlow does."""
    (cache.view / name).write_bytes(contents)


def kept(tmp_path):
    return sorted(file.name for file in (tmp_path / "version").iterdir())


def test_an_entry_is_kept_and_offered_to_the_next_start(opened, tmp_path):
    first = opened()
    compile_into(first)
    assert first.keep() == 1
    assert first.keep() == 0
    assert kept(tmp_path) == [f"p_1__1__2__XLA_CPU_JIT.pb.{zlib.crc32(b'machine code'):08x}"]
    assert stat.S_IMODE((tmp_path / "version").stat().st_mode) & 0o077 == 0
    second = opened()
    assert [file.name for file in second.view.iterdir()] == ["p_1__1__2__XLA_CPU_JIT.pb"]
    assert next(second.view.iterdir()).read_bytes() == b"machine code"
    assert second.keep() == 0


def test_of_two_entries_of_one_program_one_is_offered(opened, tmp_path):
    """Two processes that compile the same program at the same time may serialise it differently."""
    first, second = opened(), opened()
    compile_into(first, contents=b"machine code")
    compile_into(second, contents=b"code of machine")
    assert first.keep() == second.keep() == 1
    assert len(kept(tmp_path)) == 2
    assert [file.name for file in opened().view.iterdir()] == ["p_1__1__2__XLA_CPU_JIT.pb"]


@pytest.mark.parametrize("damage", [b"", b"machine", b"machine c0de", b"machine code and more"])
def test_a_damaged_entry_is_dropped(opened, tmp_path, damage):
    first = opened()
    compile_into(first)
    first.keep()
    next((tmp_path / "version").iterdir()).write_bytes(damage)
    assert list(opened().view.iterdir()) == []
    assert kept(tmp_path) == []


def test_what_has_another_prefix_is_left_alone(opened, tmp_path):
    first = opened("q_2")
    compile_into(first, "q_2__1__2__XLA_CPU_JIT.pb")
    first.keep()
    assert list(opened("p_1").view.iterdir()) == []
    assert len(kept(tmp_path)) == 1


def test_foreign_files_and_partial_ones_are_not_offered(opened, tmp_path):
    (tmp_path / "version").mkdir()
    (tmp_path / "version" / "notes.txt").write_text("mine")
    (tmp_path / "version" / ".p_1__1__2__XLA_CPU_JIT.pb.7.partial").write_bytes(b"mach")
    assert list(opened().view.iterdir()) == []
    assert "notes.txt" in kept(tmp_path)


def test_the_oldest_go_beyond_the_limit(opened, tmp_path):
    cache = opened(limit=25)
    for number in range(4):
        compile_into(cache, f"p_1__{number}__2__XLA_CPU_JIT.pb", bytes([number]) * 10)
        cache.keep()
        newest = next((tmp_path / "version").glob(f"p_1__{number}__*"))
        os.utime(newest, (number, number))
    assert [name.split("__")[1] for name in kept(tmp_path)] == ["2", "3"]


def test_a_folder_that_cannot_be_written_is_said_once_and_hurts_nothing(tmp_path, monkeypatch):
    (tmp_path / "version").mkdir()
    cache = CompilationCache(tmp_path / "version", "p_1")
    monkeypatch.setattr(compilation_cache, "_opened", [cache])
    compile_into(cache)
    (tmp_path / "version").rmdir()  # root may write where nobody else may, but not where nothing is
    assert compilation_cache.keep() == 1
    assert "cannot be kept" in compilation_cache.trouble()
    assert compilation_cache.trouble() is None
    cache.close()
    assert not cache.view.exists()


def test_no_place_for_a_cache_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(compilation_cache, "_opened", [])
    monkeypatch.delenv("TF_XLA_FLAGS", raising=False)
    said = compilation_cache.use(str(tmp_path / "file"), version="1", threads=1)
    assert str(tmp_path / "file") in said
    assert "TF_XLA_FLAGS" not in os.environ


def test_views_of_processes_that_are_gone_are_removed(opened):
    died = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    ours = opened().view
    stale = ours.parent / f"{compilation_cache._VIEWS}-{died.stdout.strip()}-x"
    stale.mkdir()
    opened()
    assert not stale.exists()
    assert ours.exists()


def test_the_users_folder(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert str(compilation_cache.user_folder()) == "/cache/tapestry/xla"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # which the standard says to ignore
    monkeypatch.setenv("HOME", "/home/someone")
    assert str(compilation_cache.user_folder()) == "/home/someone/.cache/tapestry/xla"


def test_a_process_takes_its_own_folder_and_not_its_parents_view(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(compilation_cache, "_opened", opened)
    monkeypatch.setenv("TF_XLA_FLAGS", f"--a=1 --{compilation_cache._FLAG}_directory=/x/{compilation_cache._VIEWS}-1-x")
    assert compilation_cache.use(None, version="1", threads=1) is None
    assert os.environ["TF_XLA_FLAGS"] == "--a=1"
    monkeypatch.setenv("TF_XLA_FLAGS", f"--{compilation_cache._FLAG}_directory=/x/{compilation_cache._VIEWS}-1-x")
    assert compilation_cache.use(str(tmp_path), version="1", threads=1) is None
    assert os.environ["TF_XLA_FLAGS"] == opened[0].flags
    opened[0].close()
