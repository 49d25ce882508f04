"""A combiner from outside the package is checked before a run begins."""

import pytest
import tensorflow as tf

from rl.errors import ConfigError
from rl.runs.fitting import check_weights
from rl.settings import settings
from rl.updates.combiners import Combiner

SMALL = ("environment=compiled/tabular/chain", "num_envs=4", "agent.rollout_length=8", "network.torso.widths=[8]")


@settings
class Given(Combiner):
    """Returns what the test chooses."""

    answer: str

    def init(self, num_rows):
        """A state where the answer is about states."""
        return tf.zeros(num_rows, tf.float64) if self.answer == "state" else ()

    def weights(self, gramian, losses, state, seed):
        """See the names."""
        ones = tf.ones(gramian.shape[0], tf.float64)
        if self.answer == "branch" and gramian[0, 0] > 0:
            return ones, state
        return {
            "right": (ones, state),
            "branch": (ones, state),
            "alone": ones,
            "short": (ones[:1], state),
            "float32": (tf.cast(ones, tf.float32), state),
            "list": (list(range(2)), state),
            "state": (ones, ()),
        }[self.answer]


@pytest.fixture(scope="module")
def learner(build_apart):
    return build_apart(*SMALL, "combiner=pcgrad", "probe=none").learner


def test_weights_that_fit_pass(learner):
    check_weights(learner.with_combiner(Given(scope="global", answer="right")))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("alone", r"^Given\.weights must return \(\[2\] float64 .*; it returned a float64 tensor of shape \(2,\)"),
        ("short", r"its weights are a float64 tensor of shape \(1,\)"),
        ("float32", r"its weights are a float32 tensor of shape \(2,\)"),
        ("list", r"its weights are a "),
        ("state", r"its state is another than that of `init`"),
        ("branch", r"^Given\.weights cannot be compiled: .*test_fitting\.py:\d+ in weights"),
    ],
)
def test_weights_that_do_not_fit_are_named(learner, answer, message):
    with pytest.raises(ConfigError, match=message):
        check_weights(learner.with_combiner(Given(scope="global", answer=answer)))
