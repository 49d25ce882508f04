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

from rl import plain_json
from rl.errors import ConfigError, require

FORMAT_VERSION = 2
_META = "__meta__"


class Checkpoint(NamedTuple):
    """The arrays of a run by name, and what else it needs to go on: counters, times, results."""

    arrays: dict[str, np.ndarray]
    meta: dict[str, Any]


class CheckpointFolder:
    """The newest few checkpoints of a run and the best one, `checkpoint_<steps>.npz` and `best.npz`."""

    def __init__(self, path: Path, *, keep: int):
        """keep: how many of the newest stay, at least 1."""
        require(keep >= 1, f"checkpoint.keep is {keep}; it must be at least 1.")
        self.path, self._keep = path, keep

    def save(self, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any], *, steps: int, best: bool) -> Path:
        """Writes the newest checkpoint, as the best one too if it is, and removes those beyond `keep`."""
        self.path.mkdir(parents=True, exist_ok=True)
        file = self.path / f"checkpoint_{steps:012d}.npz"
        if best:
            write_checkpoint(self.path / "best.npz", Checkpoint(arrays, {**meta, "steps": steps}))
        write_checkpoint(file, Checkpoint(arrays, {**meta, "steps": steps}))
        for old in self.files()[: -self._keep]:
            old.unlink()
        return file

    def files(self) -> list[Path]:
        """From the oldest to the newest."""
        return sorted(
            file for file in self.path.glob("checkpoint_*.npz") if re.fullmatch(r"checkpoint_\d+\.npz", file.name)
        )


def write_checkpoint(file: Path, checkpoint: Checkpoint) -> None:
    """Atomic: the file is complete under its name, or not there."""
    meta = plain_json.dumps({**checkpoint.meta, "format_version": FORMAT_VERSION})
    partial = file.with_suffix(".partial")
    with partial.open("wb") as handle:
        np.savez(handle, **checkpoint.arrays, **{_META: np.array(meta)})
        handle.flush()
        os.fsync(handle.fileno())
    partial.replace(file)


def read_checkpoint(file: Path) -> Checkpoint:
    """Reads one; ConfigError where the file is missing, damaged, or of another format version."""
    try:
        with np.load(file, allow_pickle=False) as data:
            meta = json.loads(str(data[_META]))
            arrays = {name: data[name] for name in data.files if name != _META}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{file} is not a readable checkpoint: {error}") from error
    version = meta.get("format_version")
    require(version == FORMAT_VERSION, f"{file} has format version {version}; this code reads {FORMAT_VERSION}.")
    return Checkpoint(arrays, meta)


def restore(variables: Mapping[str, tf.Variable], arrays: Mapping[str, np.ndarray], *, source: str) -> None:
    """Puts the arrays into the variables of the same names; all or none.

    Raises: ConfigError, naming weights and shapes, where they do not fit: a checkpoint of another network.
    """
    wrong = [f"{name} is missing" for name in variables if name not in arrays]
    wrong += [f"{name} is not in this network" for name in arrays if name not in variables]
    wrong += [
        f"{name} has shape {tuple(arrays[name].shape)}, here {tuple(variable.shape)}"
        for name, variable in variables.items()
        if name in arrays and tuple(arrays[name].shape) != tuple(variable.shape)
    ]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ConfigError(
            f"checkpoint {source} is of another network: {'; '.join(wrong[:3])}{more} (network, environment)."
        )
    for name, variable in variables.items():
        variable.assign(arrays[name])
