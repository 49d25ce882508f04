"""Combiners by the names that configs and the Gradients tab give them."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from rl.errors import ConfigError, require
from rl.setting_errors import SettingError, shown
from rl.tensorboard.combiner_options import combiner_options
from rl.updates import combiners
from rl.updates.combiners import Combiner, Only

ONE = "_only"
"""The end of the names of combiners that take one objective's row alone: `value_only`."""


def combiner_of(
    combiner: str | Combiner, objectives: Sequence[str], settings: Mapping[str, Any], scope: str | None = None
) -> Combiner:
    """A combiner with the default settings in configs/combiner/, or the given one itself.

    Args:
        combiner: an option of `combiner=`, such as `upgrad`; `<objective>_only` for one objective's row alone; or a
            combiner, which has its settings already.
        objectives: the names of the rows, in order.
        settings: the settings that differ from the defaults, {field: value}.
        scope: `global` or `layer`; None for `global`.
    Raises: ConfigError for an unknown name (it lists the known ones and suggests the most similar), an invalid
        setting, or settings beside a combiner that has its own.
    """
    if isinstance(combiner, Combiner):
        given = [*(["scope"] if scope is not None else []), *settings]
        require(
            not given, f"{', '.join(given)} is given beside a {type(combiner).__name__}, which has its own settings."
        )
        return combiner
    require(
        isinstance(combiner, str),
        f"combiner is {shown(combiner)}; it must be the name of one, or one of rl.updates.combiners.",
    )
    options = {option.name: option for option in combiner_options() if option.class_name != Only.__name__}
    only = {f"{objective}{ONE}": row for row, objective in enumerate(objectives)}
    known = [*options, *only]
    if combiner not in known:
        close = difflib.get_close_matches(combiner, known, n=1, cutoff=0.6)
        suggestion = f" did you mean {close[0]}?" if close else ""
        raise ConfigError(f"combiner {combiner!r} is unknown;{suggestion} it must be one of {', '.join(known)}.")
    scope = "global" if scope is None else scope
    try:
        if combiner in only:
            return Only(**{"scope": scope, "row": only[combiner], **settings})
        option = options[combiner]
        return getattr(combiners, option.class_name)(**{"scope": scope, **option.settings, **settings})
    except SettingError as error:
        raise error.within("combiner") from None
