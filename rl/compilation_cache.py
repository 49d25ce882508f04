"""An on-disk cache of compiled programs: the next start of the same programs loads them instead of compiling.

It wraps TensorFlow's persistent compilation cache, which by itself ends the run with an error at a damaged entry, a
full disk or an unwritable folder. Here TensorFlow sees only a *view*: a folder of this process in memory (or in the
temporary directory) with links to the intact entries. Programs that TensorFlow compiles and writes to the view are
copied to the cache afterwards; if that fails, the next start compiles them again.

Entries are `<folder>/<TensorFlow version>-<processor>/<prefix>_<TensorFlow's key>.pb.<CRC-32 of the content>`. The
prefix encodes what the machine code depends on besides TensorFlow's own key: the number of threads and XLA's flags.
"""

import atexit
import contextlib
import hashlib
import os
import platform
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rl.deferring import deferred_interrupt

LIMIT = 2**30
"""Bytes that all entries of all TensorFlow versions may take; beyond it the oldest are removed."""
_FREE = 2**28  # bytes that must be free in the folder of the view
_VIEWS = "tapestry-xla"
_ENTRY = re.compile(r"(?P<name>.+\.pb)\.(?P<checksum>[0-9a-f]{8})")
_FLAG = "tf_xla_persistent_cache"


class CompilationCache:
    """A folder of entries on disk, and the view of it that TensorFlow reads and writes.

    Several processes may use one folder at once: an entry is written under another name and then renamed, and if two
    processes compile the same program, either entry is valid. Damaged entries are removed, and so are the oldest ones
    beyond the limit.
    """

    def __init__(self, folder: Path, prefix: str, *, limit: int = LIMIT):
        """
        Makes a view with links to the intact entries of this prefix, and removes the damaged ones.

        Args:
            folder: holds the entries of one TensorFlow version and processor; created if missing.
            prefix: the prefix of this process's entries; all other entries are left alone.
            limit: bytes that all entries below the folder's parent may take.
        Raises: OSError if the folder cannot be read, or no place has room for a view.
        """
        self._folder, self._prefix, self._limit, self._owner = folder, prefix, limit, os.getpid()
        self.trouble: str | None = None
        """Why a program could not be copied to the cache; None if there was no failure."""
        with contextlib.suppress(OSError):  # a read-only cache is useful too
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # its entries are executed
        entries = sorted(file for file in folder.iterdir() if file.name.startswith(f"{prefix}_"))
        self.view = _new_view()
        with deferred_interrupt(), ThreadPoolExecutor() as threads:
            for entry, intact in zip(entries, threads.map(_is_intact, entries), strict=True):
                if intact:
                    with contextlib.suppress(FileExistsError):  # two processes compiled the same program at once
                        (self.view / _ENTRY.fullmatch(entry.name)["name"]).symlink_to(entry.resolve())
                else:
                    with contextlib.suppress(OSError):
                        entry.unlink()
        atexit.register(self.close)

    @property
    def flags(self) -> str:
        """The entries of `TF_XLA_FLAGS` that make TensorFlow use the view."""
        return f"--{_FLAG}_directory={self.view} --{_FLAG}_prefix={self._prefix}"

    def keep(self) -> int:
        """Copies programs compiled since the last call to the cache, and removes the oldest beyond the limit.

        It never raises an exception: a failure is recorded in `trouble`.
        Returns: the number of new programs.
        """
        new = [file for file in self._entries_in_view() if not file.is_symlink()]
        for file in new:
            try:
                contents = file.read_bytes()
                partial = self._folder / f".{file.name}.{os.getpid()}.partial"
                try:
                    partial.write_bytes(contents)
                    kept = self._folder / f"{file.name}.{zlib.crc32(contents):08x}"
                    partial.replace(kept)
                finally:
                    partial.unlink(missing_ok=True)
                file.unlink()
                file.symlink_to(kept.resolve())
            except OSError as error:
                self.trouble = f"{self._folder}: {error.strerror or error}"
        if new:
            self._prune()
        return len(new)

    def close(self) -> None:
        """Copies new programs to the cache and removes the view; does nothing in a forked process or a second time."""
        if os.getpid() == self._owner and self.view.exists():
            self.keep()
            shutil.rmtree(self.view, ignore_errors=True)

    def _entries_in_view(self) -> list[Path]:
        """The entries of the view. All are complete, since TensorFlow writes under another name and renames."""
        try:
            return sorted(self.view.glob("*.pb"))
        except OSError:
            return []

    def _prune(self) -> None:
        """Removes the oldest entries until the rest take at most `limit` bytes."""
        with contextlib.suppress(OSError):
            entries = [(file.stat(), file) for file in self._folder.parent.glob("*/*") if _ENTRY.fullmatch(file.name)]
            total = sum(status.st_size for status, _ in entries)
            for status, file in sorted(entries, key=lambda entry: entry[0].st_mtime_ns):
                if total <= self._limit:
                    return
                file.unlink(missing_ok=True)
                total -= status.st_size


_opened: list[CompilationCache] = []  # at most one: TensorFlow reads the folder's name once per process


def use(where: str | None, *, version: str, threads: int) -> str | None:
    """Makes TensorFlow use a compilation cache; must be called before its first operation. Later calls do nothing.

    A cache that the user set by `TF_XLA_FLAGS` takes precedence.

    Args:
        where: a folder, `auto` for one in the user's cache directory, or None for no cache.
        version: TensorFlow's version.
        threads: the number of threads that programs are compiled for.
    Returns: a sentence for the user if the cache cannot be used, else None.
    """
    if _opened:
        return None
    given = os.environ.get("TF_XLA_FLAGS", "")
    if _VIEWS in given:  # inherited from the process that started this one
        given = " ".join(flag for flag in given.split() if _FLAG not in flag)
        os.environ["TF_XLA_FLAGS"] = given
    if where is None or _FLAG in given:
        return None
    folder = (user_folder() if where == "auto" else Path(where).expanduser()) / f"{version}-{processor()}"
    settings = f"{threads} {os.environ.get('XLA_FLAGS', '')}"
    try:
        cache = CompilationCache(folder, f"{hashlib.sha256(settings.encode()).hexdigest()[:12]}_{threads}")
    except OSError as error:
        return f"Nothing is taken from the compilation cache {folder}: {error.strerror or error}."
    _opened.append(cache)
    os.environ["TF_XLA_FLAGS"] = f"{given} {cache.flags}".strip()
    return None


def keep() -> int | None:
    """Copies programs that were compiled since the last call to the cache.

    Returns: their number; None without a cache.
    """
    return _opened[0].keep() if _opened else None


def trouble() -> str | None:
    """A sentence for the user if programs could not be copied to the cache since the last call, else None."""
    reason = _opened[0].trouble if _opened else None
    if reason is None:
        return None
    _opened[0].trouble = None
    return f"Compiled programs cannot be kept for the next start in {reason}."


def user_folder() -> Path:
    """The cache's default folder: $XDG_CACHE_HOME/tapestry/xla, or ~/.cache/tapestry/xla."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(given) if Path(given).is_absolute() else Path.home() / ".cache"
    return root / "tapestry" / "xla"


def processor() -> str:
    """A short identifier of the processor and its features, since machine code for one may not run on another.

    Returns: the architecture and eight hexadecimal digits, `x86_64-0123abcd`.
    """
    described = [platform.machine(), platform.processor()]
    with contextlib.suppress(OSError):
        kinds = ("model name", "flags", "Features", "CPU part")
        described += sorted({line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith(kinds)})
    digest = hashlib.sha256("\n".join(described).encode()).hexdigest()
    return f"{platform.machine()}-{digest[:8]}"


def _is_intact(entry: Path) -> bool:
    """Whether an entry's content has the checksum in its name."""
    parts = _ENTRY.fullmatch(entry.name)
    try:
        return parts is not None and f"{zlib.crc32(entry.read_bytes()):08x}" == parts["checksum"]
    except OSError:
        return False


def _new_view() -> Path:
    """Makes an empty folder for this process's view, and removes the views of processes that have ended.

    Raises: OSError if neither /dev/shm nor the temporary directory has 256 MiB free.
    """
    for place in (Path("/dev/shm"), Path(tempfile.gettempdir())):
        if os.access(place, os.W_OK) and shutil.disk_usage(place).free >= _FREE:
            for stale in _stale_views(place):
                shutil.rmtree(stale, ignore_errors=True)
            return Path(tempfile.mkdtemp(prefix=f"{_VIEWS}-{os.getpid()}-", dir=place))
    raise OSError(f"neither /dev/shm nor {tempfile.gettempdir()} has {_FREE / 2**20:.0f} MiB free")


def _stale_views(place: Path) -> Iterator[Path]:
    """The views of this user whose processes have ended."""
    for view in place.glob(f"{_VIEWS}-*-*"):
        number = view.name.split("-")[2]
        with contextlib.suppress(OSError):
            if view.stat().st_uid == os.getuid() and number.isdecimal() and not _is_running(int(number)):
                yield view


def _is_running(process: int) -> bool:
    """Whether a process with this number exists, whoever owns it."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
