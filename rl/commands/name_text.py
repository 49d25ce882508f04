"""The text of a run's name, from settings given as {key: value}; no config and no folder is read here."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

LONGEST = 160
"""Characters of a name before the seed; file systems allow 255 bytes."""


def joined(parts: Mapping[str, str], seed: Any) -> str:
    """`key-value` for each setting, then the seed, joined by `__`.

    A name longer than `LONGEST` keeps its first settings and ends in `etc-` and a digest of all of them, which is the
    same for every order.

    Args:
        parts: {key: value}, both in the characters of a name (`safe`).
        seed: comes last, so that names of the same settings differ only in their ending.
    """
    settings = [f"{key}-{value}" for key, value in parts.items()]
    if len("__".join(settings)) > LONGEST:
        digest = _digest("__".join(sorted(settings)))
        kept = settings
        while len("__".join(kept)) > LONGEST - len(digest) - 6:
            kept = kept[:-1] if len(kept) > 1 else [kept[0][:100]]
        settings = [*kept, f"etc-{digest}"]
    return "__".join([*settings, f"seed-{seed}"])


def former_joined(parts: Mapping[str, Any], seed: Any) -> str:
    """The name that earlier versions gave to the settings: `key=value`, sorted and joined by commas.

    Args:
        parts: {key: value} as the config has them.
    """
    words = {key.replace("/", "."): re.sub(r"[^\w.+-]+", "_", text(value)).strip("_") for key, value in parts.items()}
    settings = ",".join(f"{key}={value}" for key, value in sorted(words.items()))
    if len(settings.encode()) > LONGEST:
        settings = f"{settings.encode()[:100].decode(errors='ignore').rstrip(',')},etc_{_digest(settings)}"
    return ",".join(filter(None, [settings, f"seed={seed}"]))


def unresolved(overrides: str) -> str:
    """A name for a config that cannot be resolved, from the text of its overrides."""
    return f"unresolved_{_digest(overrides)}"


def identity(name: str) -> tuple[str, ...]:
    """What all names of a run have in common: the settings in any order, or a long name's digest, and the seed."""
    parts = name.split("__")
    digest = [part for part in parts if part.startswith("etc-")]
    return (*digest, parts[-1]) if digest else tuple(sorted(parts))


def safe(value: Any) -> str:
    """A key or a value in the characters of a name: any run of other characters, as in a list, becomes one `_`."""
    return re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9.-]", "_", text(value).replace("e+", "e"))).strip("_")


def text(value: Any) -> str:
    """A value as typed in YAML; a float in its short form if that is the same number."""
    words = {True: "true", False: "false", None: "null"}
    if value is None or isinstance(value, bool):
        return words[value]
    short = f"{value:g}" if isinstance(value, float) else ""
    return short if short and float(short) == value else str(value)


def _digest(whole: str) -> str:
    """Ten hexadecimal digits that tell texts apart: 40 bits, far more than the runs of a folder need."""
    return hashlib.sha256(whole.encode()).hexdigest()[:10]
