"""Every leaf of every choice of configs/ with twelve wrong values: each is one sentence that names its key."""

import re

import pytest
from faulting.wrong_inputs import wrong_inputs
from omegaconf import OmegaConf

from rl.commands.choices import choices_of
from rl.commands.parts import Maker, parts_of, run_settings
from rl.errors import ConfigError
from rl.sources import Uniform

GROUPS = ("agent", "combiner", "environment", "frozen", "network", "optimizer", "replay")
EXTRA = {"environment=gymnasium": ["environment.id=CartPole-v1"]}


def refusal(check, wrong):
    """The message; fails where the value passes, or where anything but a ConfigError is raised."""
    try:
        check()
    except ConfigError as error:
        message = str(error)
    else:
        pytest.fail(f"{wrong} passes")
    assert re.search(rf"\b{re.escape(wrong.key)}(?!\w)", message), f"{wrong}: {message}"
    assert "\n" not in message, message
    assert len(message) < 500, message
    return message


@pytest.mark.parametrize("group", GROUPS)
def test_every_leaf_of_every_choice_refuses_what_means_nothing_there(compose, group):
    maker, tried = Maker(None), 0
    for choice in choices_of(group):
        config = compose(f"{group}={choice}", *EXTRA.get(f"{group}={choice}", []))
        for wrong in wrong_inputs(config[group], group):
            if wrong.key in {"frozen", "environment.kwargs"}:
                continue  # a mapping that may have any keys
            if wrong.key in {"frozen.anchor.before", "frozen.target.after"} and isinstance(wrong.value, str | None):
                continue  # null, or the name of a phase or an update, which only the agent knows
            node = wrong.put_into(config)[group]

            def check(node=node):
                if group == "frozen":
                    return [maker.make(node[role], f"frozen.{role}") for role in node]
                if group in ("environment", "network"):
                    return maker.check(node, group)
                more = {"replay": Uniform(capacity=10)} if maker.takes(node, group, "replay") else {}
                return maker.make(node, group, **more)

            refusal(check, wrong)
            tried += 1
    assert tried >= 8 * len(choices_of(group))


def test_every_leaf_outside_of_the_groups_refuses_what_means_nothing_there(compose):
    config = compose()
    rest = OmegaConf.masked_copy(config, [key for key in config if key not in (*GROUPS, "normalize")])
    tried = list(wrong_inputs(rest, ""))
    for wrong in tried:
        refusal(lambda wrong=wrong: run_settings(wrong.put_into(config)), wrong)
    for wrong in wrong_inputs(config.normalize, "normalize"):
        refusal(lambda wrong=wrong: parts_of(wrong.put_into(config)), wrong)
    assert len(tried) > 200
