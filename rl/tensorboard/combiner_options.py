"""The options of `combiner=`, read from configs/combiner/ as plain YAML.

The What if page needs every combiner with its default settings, but a run records only its own combiner's. The files in
configs/combiner/ are the only place that has them all. They are plain mappings without interpolations, and
TensorBoard's process does not need Hydra or OmegaConf, so they are read directly.
"""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml

from rl.config_files import CONFIGS

_ROOM = "rl.updates.combiners"


class CombinerOption(NamedTuple):
    """One file in configs/combiner/."""

    name: str
    """The option, `imtl_g` for `combiner=imtl_g`."""
    class_name: str
    """The class in `rl.updates.combiners` that it instantiates, `IMTLG`."""
    settings: Mapping[str, Any]
    """The class's keyword arguments except `scope`, which the user of the page chooses."""


@functools.cache
def combiner_options() -> tuple[CombinerOption, ...]:
    """All options whose class is in `rl.updates.combiners`, sorted by name.

    Files whose names begin with an underscore hold keys that several options share (`scope`) and are not options.
    Keys that begin with an underscore, and `defaults`, belong to Hydra and are left out.
    """
    options = []
    for file in sorted((CONFIGS / "combiner").glob("[!_]*.yaml")):
        fields = yaml.safe_load(file.read_text(encoding="utf-8"))
        room, _, class_name = fields.get("_target_", "").rpartition(".")  # without one it is another option's alias
        if room == _ROOM:
            settings = {key: x for key, x in fields.items() if key != "defaults" and not key.startswith("_")}
            options.append(CombinerOption(file.stem, class_name, settings))
    return tuple(options)


def combiner_name(class_name: str, settings: Mapping[str, Any]) -> str:
    """The option of `combiner=` that a run used, `imtl_g` for the class `IMTLG`.

    If several options instantiate the class, the one whose settings are the run's is chosen. A name that is not the
    class of an option (an option's own name, as in early event files, or a user's class) is returned unchanged.

    Args:
        class_name: name of the run's combiner class.
        settings: the run's combiner settings, {field: value}.
    """
    options = [option for option in combiner_options() if option.class_name == class_name]
    if len(options) > 1:
        options = [o for o in options if all(settings.get(key) == x for key, x in o.settings.items())]
    return options[0].name if options else class_name
