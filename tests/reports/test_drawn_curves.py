"""Curves as figures show them."""

import numpy as np
import pytest

from rl.reports.drawing import axes, styles
from rl.reports.figures import _line


@pytest.mark.parametrize(("values", "marker"), [([0.5], "o"), ([np.nan, 0.5], "o"), ([0.4, 0.5], "None")])
def test_a_single_point_is_a_dot_since_a_line_would_not_show_it(values, marker):
    array = np.array(values)
    curve = {"step": np.arange(len(array)), "iqm": array, "iqm_low": array - 0.1, "iqm_high": array + 0.1}
    with axes(4, 3) as (_, axis):
        _line(axis, curve, "iqm", "one", styles(["one"]))
        assert axis.lines[0].get_marker() == marker
