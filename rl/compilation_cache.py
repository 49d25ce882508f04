"""Compiled programs kept on the disk, so that the next start of the same programs loads them.

TensorFlow's persistent compilation cache, made a convenience that never fails: by itself, a damaged entry, a full disk
or a folder that cannot be written ends the run with an error. So TensorFlow sees only a *view*: a folder of this
process in memory (or the temporary directory), with links to the entries that were found whole. What it compiles and
writes there is copied to the cache afterwards; where that cannot be done, the next start compiles again.

An entry's name ends in the checksum of its contents. The view's prefix says what else the machine code depends on and
TensorFlow's own key leaves out: the number of threads and XLA's flags.
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
"""Bytes of all entries together, over all versions of TensorFlow; the oldest go."""
_FREE = 2**28  # bytes that have to be free where the view is
_VIEWS = "tapestry-xla"
_ENTRY = re.compile(r"(?P<name>.+\.pb)\.(?P<checksum>[0-9a-f]{8})")
_FLAG = "tf_xla_persistent_cache"


class CompilationCache:
    """A folder of entries, and the view of it that TensorFlow reads and writes."""

    def __init__(self, folder: Path, prefix: str, *, limit: int = LIMIT):
        """
        Links the entries with this prefix that are whole into a new view, and removes damaged ones.

        Args:
            folder: of the entries of one version and processor; made if it is not there.
            prefix: entries with another one are left alone.
            limit: bytes of all entries below the folder's parent.
        Raises: OSError where the folder cannot be read, or there is no room for a view.
        """
        self._folder, self._prefix, self._limit, self._owner = folder, prefix, limit, os.getpid()
        self.trouble: str | None = None
        """Why something could not be kept, None if everything was."""
        with contextlib.suppress(OSError):  # a cache that can only be read is of use
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # what is in it is run
        entries = sorted(file for file in folder.iterdir() if file.name.startswith(f"{prefix}_"))
        self.view = _new_view()
        with deferred_interrupt(), ThreadPoolExecutor() as threads:
            for entry, whole in zip(entries, threads.map(_is_whole, entries), strict=True):
                if whole:
                    with contextlib.suppress(FileExistsError):  # two processes compiled the same at the same time
                        (self.view / _ENTRY.fullmatch(entry.name)["name"]).symlink_to(entry.resolve())
                else:
                    with contextlib.suppress(OSError):
                        entry.unlink()
        atexit.register(self.close)

    @property
    def flags(self) -> str:
        """What TensorFlow has to be told."""
        return f"--{_FLAG}_directory={self.view} --{_FLAG}_prefix={self._prefix}"

    def keep(self) -> int:
        """Copies what was compiled since to the folder, and returns how many programs that were."""
        new = [file for file in self._written() if not file.is_symlink()]
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
        """Keeps what is new and removes the view."""
        if os.getpid() == self._owner and self.view.exists():
            self.keep()
            shutil.rmtree(self.view, ignore_errors=True)

    def _written(self) -> list[Path]:
        """The view's entries; TensorFlow writes under another name and moves what is whole."""
        try:
            return sorted(self.view.glob("*.pb"))
        except OSError:
            return []

    def _prune(self) -> None:
        with contextlib.suppress(OSError):
            entries = [(file.stat(), file) for file in self._folder.parent.glob("*/*") if _ENTRY.fullmatch(file.name)]
            total = sum(status.st_size for status, _ in entries)
            for status, file in sorted(entries, key=lambda entry: entry[0].st_mtime_ns):
                if total <= self._limit:
                    return
                file.unlink(missing_ok=True)
                total -= status.st_size


_opened: list[CompilationCache] = []  # one at most: TensorFlow asks for the folder once in a process


def use(where: str | None, *, version: str, threads: int) -> str | None:
    """Has TensorFlow take compiled programs from a cache; before its first operation, and once in a process.

    Args:
        where: a folder, `auto` for one in the user's cache directory, or None for no cache.
        version: TensorFlow's.
        threads: that programs are compiled for.
    Returns: why there is none although there should be; None where all is well.
    """
    if _opened:
        return None
    given = os.environ.get("TF_XLA_FLAGS", "")
    if _VIEWS in given:  # inherited: the view of the process that started this one
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
    """Keeps what was compiled since the last call, and returns how many programs that were; None without a cache."""
    return _opened[0].keep() if _opened else None


def trouble() -> str | None:
    """Why compiled programs could not be kept; said once."""
    said = _opened[0].trouble if _opened else None
    if said is None:
        return None
    _opened[0].trouble = None
    return f"Compiled programs cannot be kept for the next start in {said}."


def user_folder() -> Path:
    """$XDG_CACHE_HOME/tapestry/xla, or ~/.cache/tapestry/xla."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(given) if Path(given).is_absolute() else Path.home() / ".cache"
    return root / "tapestry" / "xla"


def processor() -> str:
    """The processor and all that it can do, in short: machine code for one may not run on another."""
    told = [platform.machine(), platform.processor()]
    with contextlib.suppress(OSError):
        kinds = ("model name", "flags", "Features", "CPU part")
        told += sorted({line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith(kinds)})
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()
    return f"{platform.machine()}-{digest[:8]}"


def _is_whole(entry: Path) -> bool:
    parts = _ENTRY.fullmatch(entry.name)
    try:
        return parts is not None and f"{zlib.crc32(entry.read_bytes()):08x}" == parts["checksum"]
    except OSError:
        return False


def _new_view() -> Path:
    """An empty folder of this process's own; those of processes that are gone are removed.

    Raises: OSError where there is no room.
    """
    for place in (Path("/dev/shm"), Path(tempfile.gettempdir())):
        if os.access(place, os.W_OK) and shutil.disk_usage(place).free >= _FREE:
            for stale in _stale_views(place):
                shutil.rmtree(stale, ignore_errors=True)
            return Path(tempfile.mkdtemp(prefix=f"{_VIEWS}-{os.getpid()}-", dir=place))
    raise OSError(f"neither /dev/shm nor {tempfile.gettempdir()} has {_FREE / 2**20:.0f} MiB free")


def _stale_views(place: Path) -> Iterator[Path]:
    for view in place.glob(f"{_VIEWS}-*-*"):
        number = view.name.split("-")[2]
        with contextlib.suppress(OSError):
            if view.stat().st_uid == os.getuid() and number.isdecimal() and not _is_running(int(number)):
                yield view


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
