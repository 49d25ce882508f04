"""Checkpoints: one file holds everything, written whole or not at all."""

import json
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from rl.errors import ConfigError, DamagedError, require
from rl.runs.checkpoint_meta import FORMAT_VERSION, RENAMED, validated, written

_META, _ROWS = "__meta__", "__rows__/"
_NAME = re.compile(r"checkpoint_(\d{1,18})\.npz")
_ANYTHING = "environment/"
"""Prefix of the arrays that may hold numbers that are not finite: a compiled environment's own state."""


class Checkpoint(NamedTuple):
    """The arrays of a run by name, and what else it needs to go on.

    meta: counters, times, results, see `checkpoint_meta`; rows: the newest raw rows, {objective: [P]}, none where
    nothing was probed.
    """

    arrays: Mapping[str, np.ndarray]
    meta: Mapping[str, Any]
    rows: Mapping[str, np.ndarray]


class CheckpointFolder:
    """The newest few checkpoints of a run and the best one, `checkpoint_<steps>.npz` and `best.npz`."""

    def __init__(self, path: Path, *, keep: int):
        """keep: how many of the newest stay, at least 1."""
        require(keep >= 1, f"checkpoint.keep is {keep}; it must be at least 1.")
        self.path, self._keep = path, keep

    @property
    def best(self) -> Path:
        """The file of the best."""
        return self.path / "best.npz"

    def save(self, checkpoint: Checkpoint) -> None:
        """Writes the checkpoint of the steps in its meta; removes nothing."""
        self.path.mkdir(exist_ok=True)  # without parents: a run directory that was removed is not made again
        write_checkpoint(self.path / f"checkpoint_{checkpoint.meta['steps']:012d}.npz", checkpoint)

    def prune(self, steps: int, *, interim: int | None = None) -> None:
        """Leaves the newest of the checkpoints up to `steps`, without the one at step `interim`."""
        files = self.by_steps()
        kept = sorted(step for step in files if step <= steps and step != interim)[-self._keep :]
        for step, file in files.items():
            if step not in kept:
                file.unlink()

    def by_steps(self) -> dict[int, Path]:
        """{environment steps: file}, from the oldest to the newest.

        Raises: ConfigError for anything by the name of a checkpoint that is not a file.
        """
        found = {int(name[1]): file for file in self.path.glob("*.npz") if (name := _NAME.fullmatch(file.name))}
        for file in (*found.values(), *([self.best] if self.best.exists() else [])):
            require(file.is_file(), f"{file} is not a file, though its name is a checkpoint's; move it away.")
        return dict(sorted(found.items()))

    def files(self) -> list[Path]:
        """From the oldest to the newest."""
        return list(self.by_steps().values())


def write_checkpoint(file: Path, checkpoint: Checkpoint) -> None:
    """Atomic: the file is complete under its name, or not there."""
    meta = json.dumps(written({**checkpoint.meta, "format_version": FORMAT_VERSION}), allow_nan=False)
    rows = {f"{_ROWS}{objective}": row for objective, row in checkpoint.rows.items()}
    partial = file.with_suffix(".partial")
    with partial.open("wb") as handle:
        np.savez(handle, **checkpoint.arrays, **rows, **{_META: np.array(meta)})
        handle.flush()
        os.fsync(handle.fileno())
    partial.replace(file)


def read_checkpoint(file: Path) -> Checkpoint:
    """Reads one.

    Raises: ConfigError where the file is missing, may not be read, or is of another format version; DamagedError.
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
    except Exception as error:  # a damaged file can raise what NumPy's, zip's and zlib's parsers come upon
        why = (str(error) or type(error).__name__).splitlines()[0]
        raise DamagedError(f"{file} is not a readable checkpoint: {why}.") from None
    rows = {name.removeprefix(_ROWS): arrays.pop(name) for name in [*arrays] if name.startswith(_ROWS)}
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not name.startswith(_ANYTHING) and not np.isfinite(array).all():
            raise DamagedError(f"{file} is not a usable checkpoint: {name} holds numbers that are not finite.")
    return Checkpoint(arrays, validated(meta, str(file)), rows)


def restore(variables: Mapping[str, tf.Variable], arrays: Mapping[str, np.ndarray], *, source: str) -> None:
    """Puts the arrays into the variables of the same names; all or none.

    Raises: ConfigError, naming weights and shapes, where they do not fit: a checkpoint of another network.
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
            f"checkpoint {source} is of another network: {'; '.join(wrong[:3])}{more} (network, environment)."
        )
    for name, variable in variables.items():
        variable.assign(arrays[name])
