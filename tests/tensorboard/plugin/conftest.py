"""A TensorBoard with a few small runs, and a browser that shows its Gradients tab."""

import numpy as np
import pytest
from browsers import browser
from faulting.servers import tensorboard
from gramian_logs import gramians, legend, write_run
from tab import SIZE, Tab

AGREE, CONFLICT = [[1.0, 1.0], [1.0, 1.0]], [[1.0, -1.0], [-1.0, 1.0]]


@pytest.fixture(scope="package")
def address(tmp_path_factory):
    """The address of a TensorBoard with two seeds of a2c, one of ppo, and two seeds of `hand`, worked out by hand.

    In `hand` the rows of policy and value agree in layer_0 and conflict in layer_1. The value's norm is twice the
    policy's in both layers with seed 0, four times with seed 1, and all seven moments are equal.
    """
    logs = tmp_path_factory.mktemp("logs")
    small = legend(layers=3)
    more_rows = ("combined", "clipped", "applied", "stale/target/value", "through_target")
    large = legend(layers=5, combiner="PCGrad", extra_rows=more_rows)
    by_hand = legend(names=["layer_0", "layer_1"], objectives=("policy", "value"), extra_rows=())
    for seed in (0, 1):
        write_run(logs / f"agent=a2c,seed={seed}", small, gramians(small, 40, seed=seed))
        length = np.diag([1.0, (2.0, 4.0)[seed]])
        write_run(logs / f"hand,seed={seed}", by_hand, [length @ np.array([AGREE, CONFLICT]) @ length] * 7)
    write_run(logs / "agent=ppo,seed=0", large, gramians(large, 40, seed=7))
    # These runs do not change, so TensorBoard need not look again.
    with tensorboard(logs, "--reload_interval", "0", runs=5) as address:
        yield address


@pytest.fixture(scope="package")
def chromium():
    """The browser."""
    with browser() as running:
        yield running


@pytest.fixture(scope="package")
def opened(chromium, address):
    """TensorBoard at the tab; a module with other runs has an `opened` of its own."""
    tab = Tab(chromium.new_page(viewport=SIZE), address)
    tab.open()
    return tab


@pytest.fixture
def tab(opened):
    """The tab in its initial state; after the test: no error, no dialog and no request to another host."""
    opened.restart()
    yield opened
    assert opened.complaints == []
    assert opened.hosts <= {"127.0.0.1"}
