"""Checkpoints: one NPZ file holds everything that a run needs to resume, and is written atomically."""

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from rl.errors import ConfigError, DamagedError, require
from rl.runs.checkpoint_meta import FORMAT_VERSION, RENAMED, validated, written
from rl.runs.layout import BEST, MEMORY, checkpoint_files

_META, _ROWS = "__meta__", "__rows__/"
_ANYTHING = "environment/"
"""Prefix of the arrays that may hold non-finite numbers: a compiled environment's own state."""
_WITH_BEGUN = 5
"""The first format whose checkpoints hold the array `begun`."""


class Checkpoint(NamedTuple):
    """What a run needs to resume.

    arrays: {name: array}, of all variables of the run. meta: counters, times and results; see `checkpoint_meta`. rows:
    {objective: [P]}, the newest raw rows; empty where nothing was probed. memory: {name: array}, an agent's
    memory, in a file of its own beside the newest checkpoint; empty where there is none. lost: a sentence on a memory
    that was saved and cannot be read, or "".
    """

    arrays: Mapping[str, np.ndarray]
    meta: Mapping[str, Any]
    rows: Mapping[str, np.ndarray]
    memory: Mapping[str, np.ndarray] = {}
    lost: str = ""


class CheckpointFolder:
    """The newest checkpoints of a run, `checkpoint_<steps>.npz`, and its best one, `best.npz`."""

    def __init__(self, path: Path, *, keep: int):
        """path: the folder, which need not exist; keep: number of newest checkpoints to keep, ≥ 1."""
        require(keep >= 1, f"checkpoint.keep is {keep}; it must be at least 1.")
        self.path, self._keep = path, keep

    @property
    def best(self) -> Path:
        """The file of the best checkpoint, which need not exist."""
        return self.path / BEST

    def save(self, checkpoint: Checkpoint) -> None:
        """Writes a checkpoint under the step in its metadata, after its memory; removes nothing.

        Raises: OSError where it cannot be written, or the run directory has been removed.
        """
        self.path.mkdir(exist_ok=True)  # without parents: a removed run directory is not created again
        steps = checkpoint.meta["steps"]
        if checkpoint.memory:
            _write(self.path / MEMORY.format(steps), checkpoint.memory)
        write_checkpoint(self.path / f"checkpoint_{steps:012d}.npz", checkpoint)

    def read(self, steps: int) -> Checkpoint:
        """The checkpoint at an environment step, with its memory if that can be read; see `read_checkpoint`."""
        checkpoint, file = read_checkpoint(self.by_steps()[steps]), self.path / MEMORY.format(steps)
        if not file.is_file():
            return checkpoint._replace(lost=f"{file} is missing" if checkpoint.meta["memory"] else "")
        try:
            with np.load(file, allow_pickle=False) as data:
                return checkpoint._replace(memory={name: data[name] for name in data.files})
        except Exception as error:  # NumPy's, zip's and zlib's parsers raise many types on a damaged file
            why = (str(error) or type(error).__name__).splitlines()[0]
            return checkpoint._replace(lost=f"{file} is not readable: {why}")

    def prune(self, steps: int, *, interim: int | None = None) -> None:
        """Keeps the newest checkpoints up to step `steps`, with the memory of the newest, and removes all others.

        interim: the step of a checkpoint to remove in any case; None for none.
        """
        files = self.by_steps()
        kept = sorted(step for step in files if step <= steps and step != interim)[-self._keep :]
        for step, file in files.items():
            if step not in kept:
                file.unlink()
        newest = MEMORY.format(kept[-1]) if kept else None
        for file in self.path.glob("memory_*.npz"):
            if file.name != newest:
                file.unlink()

    def mend_best(self, checkpoint: Checkpoint, step: int) -> bool:
        """Whether best.npz is the checkpoint of a step; it is written if that is this checkpoint's own.

        A crash may have come before it was written.
        """
        try:
            there = read_checkpoint(self.best).meta["steps"]
        except ValueError:
            there = None
        if there != step and step == checkpoint.meta["steps"]:
            write_checkpoint(self.best, checkpoint)
        return step in (there, checkpoint.meta["steps"])

    def by_steps(self) -> dict[int, Path]:
        """{environment steps: file}, oldest first.

        Raises: ConfigError where something named like a checkpoint is not a file.
        """
        return checkpoint_files(self.path)

    def files(self) -> list[Path]:
        """The checkpoint files, oldest first; see `by_steps`."""
        return list(self.by_steps().values())


def write_checkpoint(file: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint atomically: under its name the file is complete or absent.

    Raises: OSError where the file cannot be written.
    """
    meta = json.dumps(written({**checkpoint.meta, "format_version": FORMAT_VERSION}), allow_nan=False)
    rows = {f"{_ROWS}{objective}": row for objective, row in checkpoint.rows.items()}
    _write(file, {**checkpoint.arrays, **rows, _META: np.array(meta)})


def _write(file: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays into an NPZ file, atomically."""
    partial = file.with_suffix(".partial")
    with partial.open("wb") as handle:
        np.savez(handle, **arrays)
        handle.flush()
        os.fsync(handle.fileno())
    partial.replace(file)


def read_checkpoint(file: Path) -> Checkpoint:
    """Reads and validates a checkpoint; arrays of older formats get their current names.

    Raises: ConfigError where the file is missing, may not be read, or has another format version; DamagedError where
        its content is not a sound checkpoint, or an array outside of `environment/` holds a non-finite number.
    """
    require(file.is_file(), f"{file} is not a readable checkpoint: there is no such file.")
    try:
        if not zipfile.is_zipfile(file):
            raise DamagedError(f"{file} is not a readable checkpoint: it is no NPZ file, or was cut off.")
        with np.load(file, allow_pickle=False) as data:
            meta = json.loads(str(data[_META]))
            arrays = {RENAMED.get(name, name): data[name] for name in data.files if name != _META}
    except ConfigError:
        raise
    except PermissionError as error:
        raise ConfigError(f"{file} is not a readable checkpoint: {error.strerror}.") from None
    except Exception as error:  # NumPy's, zip's and zlib's parsers raise many types on a damaged file
        why = (str(error) or type(error).__name__).splitlines()[0]
        raise DamagedError(f"{file} is not a readable checkpoint: {why}.") from None
    rows = {name.removeprefix(_ROWS): arrays.pop(name) for name in [*arrays] if name.startswith(_ROWS)}
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not name.startswith(_ANYTHING) and not np.isfinite(array).all():
            raise DamagedError(f"{file} is not a usable checkpoint: {name} holds numbers that are not finite.")
    meta = validated(meta, str(file))
    if meta["format_version"] < _WITH_BEGUN:
        arrays.setdefault("begun", np.int64(0))
    return Checkpoint(arrays, meta, rows)


def restore(variables: Mapping[str, tf.Variable], arrays: Mapping[str, np.ndarray], *, source: str) -> None:
    """Assigns the arrays to the variables of the same names; all or none.

    Args:
        source: the name of the checkpoint, for errors.
    Raises: ConfigError, naming up to three arrays, where names, shapes or dtypes differ, as for another network.
    """
    wrong = [f"{name} is missing" for name in variables if name not in arrays]
    wrong += [f"{name} is not in this network" for name in arrays if name not in variables]
    for name, variable in variables.items():
        if name in arrays and tuple(arrays[name].shape) != tuple(variable.shape):
            wrong.append(f"{name} has shape {tuple(arrays[name].shape)}, here {tuple(variable.shape)}")
        elif name in arrays and arrays[name].dtype != variable.dtype.as_numpy_dtype:
            wrong.append(f"{name} is {arrays[name].dtype}, here {variable.dtype.name}")
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ConfigError(
            f"checkpoint {source} is of another network: {'; '.join(wrong[:3])}{more} (network, environment, "
            "auxiliary; load.parts chooses the parts to load)."
        )
    for name, variable in variables.items():
        variable.assign(arrays[name])
