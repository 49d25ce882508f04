"""A TensorBoard with a few small runs, and a browser that shows its Gradients tab."""

import numpy as np
import pytest
from browsers import browser
from faulting.servers import tensorboard
from gramian_logs import gramians, legend, write_run
from tab import SIZE, Tab

AGREE, FIGHT = [[1.0, 1.0], [1.0, 1.0]], [[1.0, -1.0], [-1.0, 1.0]]


@pytest.fixture(scope="package")
def address(tmp_path_factory):
    """The address of a TensorBoard with two seeds of a2c, one of ppo, and two seeds of `hand`, worked out by hand.

    In `hand` the policy's and the value's rows agree in layer_0 and fight in layer_1; of seed 0 the value's is twice as
    long in both, of seed 1 four times, and all seven moments are alike.
    """
    logs = tmp_path_factory.mktemp("logs")
    small = legend(layers=3)
    more_rows = ("combined", "clipped", "applied", "stale/target/value", "through_target")
    large = legend(layers=5, combiner="PCGrad", extra_rows=more_rows)
    by_hand = legend(names=["layer_0", "layer_1"], objectives=("policy", "value"), extra_rows=())
    for seed in (0, 1):
        write_run(logs / f"agent=a2c,seed={seed}", small, gramians(small, 40, seed=seed))
        length = np.diag([1.0, (2.0, 4.0)[seed]])
        write_run(logs / f"hand,seed={seed}", by_hand, [length @ np.array([AGREE, FIGHT]) @ length] * 7)
    write_run(logs / "agent=ppo,seed=0", large, gramians(large, 40, seed=7))
    # Nothing is added to these runs: TensorBoard need not look again.
    with tensorboard(logs, "--reload_interval", "0", runs=5) as address:
        yield address


@pytest.fixture(scope="package")
def chromium():
    """The browser."""
    with browser() as running:
        yield running


@pytest.fixture(scope="package")
def opened(chromium, address):
    """TensorBoard at the tab; a module that looks at other runs has an `opened` of its own."""
    tab = Tab(chromium.new_page(viewport=SIZE), address)
    tab.open()
    return tab


@pytest.fixture
def tab(opened):
    """The tab as it first looks; at the end there must have been no error, no dialog and no request elsewhere."""
    opened.restart()
    yield opened
    assert opened.complaints == []
    assert opened.hosts <= {"127.0.0.1"}
